package cli

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jalurhq/jalur/internal/scaffold"
)

// published is a version that can be had.
var published = regexp.MustCompile(`\Av[0-9]+\.[0-9]+\.[0-9]+\z`)

func (a *app) pluginNew() *cobra.Command {
	p := scaffold.Plugin{}
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Write the beginning of a plugin, which builds and passes the suite as it is",
		Long: `Write the beginning of a plugin into the folder NAME: a provider that builds and passes "jalur plugin test" as it is, with a sandbox and a spec of
its own. Its README.md says how to go on.`,
		Args: exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.checkOutput(); err != nil {
				return err
			}
			p.Name = args[0]
			if published.MatchString(a.Version) {
				p.Version = a.Version
			}
			if p.Jalur != "" && !filepath.IsAbs(p.Jalur) { // as seen from the new folder
				seen, err := filepath.Rel(p.Name, p.Jalur)
				if err != nil {
					return usage(err)
				}
				p.Jalur = filepath.ToSlash(seen)
			}
			files, err := scaffold.Write(p.Name, p)
			if err != nil {
				return usage(err)
			}
			made := written{Folder: p.Name, Files: files}
			return a.print(made, func(t *table) {
				for _, file := range made.Files {
					t.row(filepath.Join(made.Folder, file))
				}
			})
		},
	}
	cmd.Flags().StringVar(&p.Language, "lang", "go", "the language: "+strings.Join(scaffold.Languages(), ", "))
	cmd.Flags().StringVar(&p.Jalur, "jalur", "", "build against Jalur's source in this `folder`, in place of a published version")
	return cmd
}

// written is what a new plugin consists of.
type written struct {
	Folder string   `json:"folder"`
	Files  []string `json:"files"`
}
