//go:build faultpoints

package host

import "os"

// faultPoint hands a fault point on to the plugin: JALUR_FAULTPOINT_PLUGIN is the plugin's JALUR_FAULTPOINT.
func faultPoint() []string {
	if point := os.Getenv("JALUR_FAULTPOINT_PLUGIN"); point != "" {
		return []string{"JALUR_FAULTPOINT=" + point}
	}
	return nil
}
