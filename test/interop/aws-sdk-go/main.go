// The AWS SDK for Go v2 with its transfer manager. Prints the steps as one line of JSON; stops at any unexpected result.
//
//	aws-sdk-go-steps BUCKET FILE         write a small object and FILE, read both, list, delete the small one, list again
//	aws-sdk-go-steps BUCKET FILE SECONDS the same for small objects, for so many seconds and three times at least, with one client
//
// The credentials come from the SDK's default chain. Those by web identity live for STEPS_LIFETIME seconds.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const small = "some folder/small+ü"
const big = "kept/big"

var ctx = context.Background()
var bucket = aws.String(os.Args[1])
var client *s3.Client
var manager *transfermanager.Client

func main() {
	log.SetFlags(0)
	connect()
	said := map[string]any{}
	if len(os.Args) > 3 {
		said["rounds"] = outlive(number(os.Args[3]))
	} else {
		content, err := os.ReadFile(os.Args[2])
		check(err)
		write(small, []byte("Hello, World"))
		write(big, content)
		said["read"] = []string{sum(read(small)), sum(read(big))}
		said["listed"] = list()
		remove(small)
		said["left"] = list()
	}
	line, err := json.Marshal(said)
	check(err)
	fmt.Println(string(line))
}

func connect() {
	lifetime := time.Duration(number(os.Getenv("STEPS_LIFETIME"))) * time.Second
	settings, err := config.LoadDefaultConfig(ctx,
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			o.Duration = lifetime
		}),
		// By default the SDK signs with keys up to their last moment, and a request can arrive after it.
		config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = 2 * time.Second
		}))
	check(err)
	client = s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = true })
	manager = transfermanager.New(client)
}

func outlive(seconds int) int {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	rounds := 0
	for rounds < 3 || time.Now().Before(end) {
		key, content := fmt.Sprintf("round-%d", rounds), bytes.Repeat([]byte("x"), rounds+1)
		write(key, content)
		expect(bytes.Equal(read(key), content), key)
		expect(slices.Contains(list(), key), key)
		remove(key)
		rounds++
		time.Sleep(250 * time.Millisecond)
	}
	return rounds
}

func write(key string, content []byte) {
	_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(content)})
	check(err)
}

func read(key string) []byte {
	got, err := manager.GetObject(ctx, &transfermanager.GetObjectInput{Bucket: bucket, Key: &key})
	check(err)
	content, err := io.ReadAll(got.Body)
	check(err)
	return content
}

func list() []string {
	keys := []string{}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	return keys
}

func remove(key string) {
	_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: &key})
	check(err)
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

func number(text string) int {
	if text == "" {
		return 0
	}
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(holds bool, seen any) {
	if !holds {
		log.Fatalf("unexpected: %v", seen)
	}
}
