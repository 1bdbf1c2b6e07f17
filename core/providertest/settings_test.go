package providertest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSettingsMayNameFilesBesideThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good.yaml":   "base_url: ${SANDBOX}/v1\nspec: ${file:spec.txt}\nsecrets: {key: \"${file:spec.txt}\"}\n",
		"absent.yaml": "spec: ${file:nothing}\n",
		"float.yaml":  "rate: 1.5\n",
		"spec.txt":    "a: text\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadSettings(filepath.Join(dir, "good.yaml"), "http://127.0.0.1:1/")
	if want := `{"base_url":"http://127.0.0.1:1/v1","secrets":{"key":"a: text\n"},"spec":"a: text\n"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for _, name := range []string{"absent.yaml", "float.yaml", "nothing.yaml"} {
		if _, err := ReadSettings(filepath.Join(dir, name), "http://127.0.0.1:1"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
