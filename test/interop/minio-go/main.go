// The everyday operations of an application with minio-go's defaults. Prints one line a step; stops at any unexpected result.
//
//	minio-go-everyday BUCKET        credentials from the environment, as `sts-cli env` leaves them
//	minio-go-everyday BUCKET grants the library calls the STS itself, with the token in TOKEN
//	minio-go-everyday BUCKET FILE SECONDS writes, reads, lists and deletes small objects for so many seconds, and three times at least, with the
//	                                token and the role that the environment of AWS's SDKs names
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const small = "small one+ü.txt"

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	bucket := os.Args[1]
	if len(os.Args) > 3 {
		outlive(ctx, bucket, os.Args[3])
		return
	}
	client := connect()
	check(client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}))
	putAndGet(ctx, client, bucket)
	multipart(ctx, client, bucket)
	list(ctx, client, bucket)
	presigned(ctx, client, bucket)
	remove(ctx, client, bucket)
}

func connect() *minio.Client {
	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_S3"))
	check(err)
	source := credentials.NewEnvAWS()
	if len(os.Args) > 2 {
		source, err = credentials.NewSTSClientGrants(endpoint.String(), func() (*credentials.ClientGrantsToken, error) {
			return &credentials.ClientGrantsToken{Token: os.Getenv("TOKEN"), Expiry: 3600}, nil
		})
		check(err)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: source, Secure: endpoint.Scheme == "https"})
	check(err)
	return client
}

func outlive(ctx context.Context, bucket, seconds string) {
	lifetime, err := time.ParseDuration(seconds + "s")
	check(err)
	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_S3"))
	check(err)
	source, err := credentials.NewSTSWebIdentity(os.Getenv("AWS_ENDPOINT_URL_STS"),
		func() (*credentials.WebIdentityToken, error) { return nil, os.ErrNotExist },
		credentials.WithWebIdentityTokenFile(os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")),
		func(identity *credentials.STSWebIdentity) { identity.RoleARN = os.Getenv("AWS_ROLE_ARN") })
	check(err)
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: source, Secure: endpoint.Scheme == "https"})
	check(err)
	end := time.Now().Add(lifetime)
	rounds := 0
	for rounds < 3 || time.Now().Before(end) {
		key, content := fmt.Sprintf("round-%d", rounds), bytes.Repeat([]byte("x"), rounds+1)
		_, err := client.PutObject(ctx, bucket, key, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
		check(err)
		expect(bytes.Equal(read(ctx, client, bucket, key), content), key)
		keys := []string{}
		for object := range client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Recursive: true}) {
			check(object.Err)
			keys = append(keys, object.Key)
		}
		expect(slices.Contains(keys, key), keys)
		check(client.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}))
		rounds++
		time.Sleep(250 * time.Millisecond)
	}
	fmt.Printf("{\"rounds\":%d}\n", rounds)
}

func putAndGet(ctx context.Context, client *minio.Client, bucket string) {
	options := minio.PutObjectOptions{ContentType: "text/plain", UserMetadata: map[string]string{"Colour": "blue"}}
	_, err := client.PutObject(ctx, bucket, small, bytes.NewReader([]byte("Hello")), 5, options)
	check(err)
	info, err := client.StatObject(ctx, bucket, small, minio.StatObjectOptions{})
	check(err)
	expect(string(read(ctx, client, bucket, small)) == "Hello", "the object's bytes")
	expect(info.ContentType == "text/plain" && info.UserMetadata["Colour"] == "blue", info)
	fmt.Println("put and get")
}

func multipart(ctx context.Context, client *minio.Client, bucket string) {
	big := make([]byte, 12<<20)
	_, err := rand.Read(big)
	check(err)
	// The length is unknown, like a pipe's: the client reads each part of 5 MiB before it sends it.
	stream := io.MultiReader(bytes.NewReader(big))
	_, err = client.PutObject(ctx, bucket, "big", stream, -1, minio.PutObjectOptions{PartSize: 5 << 20})
	check(err)
	expect(bytes.Equal(read(ctx, client, bucket, "big"), big), "the big object's bytes")
	fmt.Println("multipart put and get of 12 MiB")
}

func list(ctx context.Context, client *minio.Client, bucket string) {
	keys := ""
	for object := range client.ListObjects(ctx, bucket, minio.ListObjectsOptions{MaxKeys: 1, Recursive: true}) {
		check(object.Err)
		keys += object.Key + ";"
	}
	expect(keys == "big;"+small+";", keys)
	fmt.Println("list in pages")
}

func presigned(ctx context.Context, client *minio.Client, bucket string) {
	address, err := client.PresignedGetObject(ctx, bucket, small, time.Minute, nil)
	check(err)
	answer, err := http.Get(address.String())
	check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(err)
	expect(string(body) == "Hello", answer.Status)
	fmt.Println("presigned get")
}

func remove(ctx context.Context, client *minio.Client, bucket string) {
	_, err := client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "copy"}, minio.CopySrcOptions{Bucket: bucket, Object: "big"})
	check(err)
	objects := make(chan minio.ObjectInfo, 3)
	for _, key := range []string{"big", "copy", small} {
		objects <- minio.ObjectInfo{Key: key}
	}
	close(objects)
	for failed := range client.RemoveObjects(ctx, bucket, objects, minio.RemoveObjectsOptions{}) {
		check(failed.Err)
	}
	check(client.RemoveBucket(ctx, bucket))
	there, err := client.BucketExists(ctx, bucket)
	check(err)
	expect(!there, "the bucket is still there")
	fmt.Println("copy, multi-delete and delete of the bucket")
}

func read(ctx context.Context, client *minio.Client, bucket, key string) []byte {
	object, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	check(err)
	defer object.Close()
	body, err := io.ReadAll(object)
	check(err)
	return body
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
