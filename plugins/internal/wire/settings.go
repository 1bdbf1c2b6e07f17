package wire

import (
	"errors"

	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// SettingsFault writes why settings were refused. The key is the one that an error in the chain names with SettingKey() string.
func SettingsFault(err error) *pb.SettingsFault {
	fault := &pb.SettingsFault{Rule: text(err.Error())}
	var keyed interface{ SettingKey() string }
	if errors.As(err, &keyed) {
		fault.Key = text(keyed.SettingKey())
	}
	return fault
}
