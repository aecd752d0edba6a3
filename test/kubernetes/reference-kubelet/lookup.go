package main

import (
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

type pod struct {
	namespace string
	name      string
	uid       string
}

type credential struct {
	Username string                               `json:"username"`
	Password string                               `json:"password"`
	Source   *credentialprovider.CredentialSource `json:"source,omitempty"`
}

type answer struct {
	Image       string       `json:"image"`
	Repo        string       `json:"repo,omitempty"`
	Found       bool         `json:"found"`
	Credentials []credential `json:"credentials"`
	Error       string       `json:"error,omitempty"`
	Ms          int64        `json:"ms"`
}

// lookUp finds the credentials of an image in the order in which a kubelet tries them: the steps are those of
// makeLookupPullCredentialsFunc in pkg/kubelet/images/image_manager.go.
func lookUp(image string, of pod, account string, pullSecrets []v1.Secret) answer {
	start := time.Now()
	found := answer{Image: image, Credentials: []credential{}}
	repo, _, _, err := parsers.ParseImageName(image)
	if err != nil {
		found.Error = err.Error()
		return found
	}
	found.Repo = repo
	plugins := plugin.NewExternalCredentialProviderDockerKeyring(of.namespace, of.name, of.uid, account)
	keyring, err := secrets.MakeDockerKeyring(pullSecrets, credentialprovider.UnionDockerKeyring{plugins})
	if err != nil {
		found.Error = err.Error()
		return found
	}
	credentials, ok := keyring.Lookup(repo)
	for _, one := range credentials {
		found.Credentials = append(found.Credentials, credential{one.Username, one.Password, one.Source})
	}
	found.Found = ok
	found.Ms = time.Since(start).Milliseconds()
	return found
}

func readPullSecrets(file, namespace string) ([]v1.Secret, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return []v1.Secret{{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      "pull-secret",
			UID:       "55555555-2222-4333-8444-555555555555",
		},
		Type: v1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{v1.DockerConfigJsonKey: data},
	}}, nil
}
