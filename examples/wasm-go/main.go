// A function in Go: replies with the SHA-256 of the message's payload, and whether it is the one that came last on
// this subject, which it keeps in key-value.
//
//	GOOS=wasip1 GOARCH=wasm go build -o fingerprint.wasm
//	nex run fingerprint.wasm --trigger 'fingerprint.*'
//	nex trigger fingerprint --subject fingerprint.report --data 'the same as ever'
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
)

type reply struct {
	Subject string `json:"subject"`
	SHA256  string `json:"sha256"`
	Changed bool   `json:"changed"`
}

func main() {
	// What is logged goes to stderr: the workload's log.
	log.SetFlags(0)
	subject := os.Args[1]
	payload, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatalf("the payload cannot be read: %v", err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(payload))
	last, err := kvGet(subject)
	if err != nil && !errors.Is(err, errNotFound) {
		log.Fatal(err)
	}
	changed := string(last) != hash
	if changed {
		if err := kvPut(subject, []byte(hash)); err != nil {
			log.Fatal(err)
		}
		log.Printf("%s has changed", subject)
	}
	if err := json.NewEncoder(os.Stdout).Encode(reply{subject, hash, changed}); err != nil {
		log.Fatal(err)
	}
}
