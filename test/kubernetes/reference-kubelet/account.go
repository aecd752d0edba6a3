package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// tokenSeconds is the life of the tokens that a kubelet asks for.
const tokenSeconds = 3600

// account is the service account of the pod, and how the API server answers for it.
type account struct {
	name        string
	uid         string
	annotations pairs
	isMissing   bool
	issuer      string
	keyFile     string
	tokenFile   string
	tokenError  string
}

// get answers a kubelet's request for a service account.
func (a *account) get(namespace, name string) (*v1.ServiceAccount, error) {
	if a.isMissing {
		return nil, fmt.Errorf("serviceaccounts %q not found", name)
	}
	metadata := metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(a.uid), Annotations: a.annotations}
	return &v1.ServiceAccount{ObjectMeta: metadata}, nil
}

// requestToken answers a kubelet's TokenRequest.
func (a *account) requestToken(namespace, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	if a.tokenError != "" {
		return nil, errors.New(a.tokenError)
	}
	token, err := a.issue(namespace, name, request)
	if err != nil {
		return nil, err
	}
	request.Status.Token = token
	request.Status.ExpirationTimestamp = metav1.NewTime(time.Now().Add(tokenSeconds * time.Second))
	return request, nil
}

func (a *account) issue(namespace, name string, request *authenticationv1.TokenRequest) (string, error) {
	if a.tokenFile != "" {
		data, err := os.ReadFile(a.tokenFile)
		return strings.TrimSpace(string(data)), err
	}
	key, err := readKey(a.keyFile)
	if err != nil {
		return "", err
	}
	generator, err := serviceaccount.JWTTokenGenerator(a.issuer, key)
	if err != nil {
		return "", err
	}
	bound := request.Spec.BoundObjectRef
	claims, private, err := serviceaccount.Claims(
		core.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: request.UID}},
		&core.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: bound.Name, UID: bound.UID}},
		nil, nil, tokenSeconds, 0, request.Spec.Audiences)
	if err != nil {
		return "", err
	}
	return generator.GenerateToken(context.Background(), claims, private)
}

// readKey reads a private key in PKCS #8, PKCS #1 or SEC 1.
func readKey(file string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-signing-key or -token-file is needed for a token: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", file)
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return x509.ParseECPrivateKey(block.Bytes)
}
