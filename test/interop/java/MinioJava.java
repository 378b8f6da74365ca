import io.minio.GetObjectArgs;
import io.minio.ListObjectsArgs;
import io.minio.MinioClient;
import io.minio.PutObjectArgs;
import io.minio.RemoveObjectArgs;
import io.minio.Result;
import io.minio.credentials.Jwt;
import io.minio.credentials.WebIdentityProvider;
import io.minio.messages.Item;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** minio-java's WebIdentityProvider, which asks a function for the token. */
class MinioJava extends Steps {
  private final String bucket;
  private final MinioClient client;

  MinioJava(String bucket) {
    this.bucket = bucket;
    WebIdentityProvider provider =
        new WebIdentityProvider(
            MinioJava::readToken,
            System.getenv("AWS_ENDPOINT_URL_STS"),
            null,
            null,
            System.getenv("AWS_ROLE_ARN"),
            System.getenv("AWS_ROLE_SESSION_NAME"),
            null);
    client =
        MinioClient.builder()
            .endpoint(System.getenv("AWS_ENDPOINT_URL_S3"))
            .region(System.getenv("AWS_REGION"))
            .credentialsProvider(provider)
            .build();
  }

  /** The token's lifetime of 0 seconds means that the server decides. */
  private static Jwt readToken() {
    try {
      return new Jwt(Files.readString(Path.of(System.getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))).trim(), 0);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  void write(String key, byte[] content) throws Exception {
    client.putObject(
        PutObjectArgs.builder().bucket(bucket).object(key).stream(new ByteArrayInputStream(content), (long) content.length, -1L).build());
  }

  @Override
  byte[] read(String key) throws Exception {
    try (InputStream stream = client.getObject(GetObjectArgs.builder().bucket(bucket).object(key).build())) {
      return stream.readAllBytes();
    }
  }

  @Override
  List<String> list() throws Exception {
    List<String> keys = new ArrayList<>();
    for (Result<Item> found : client.listObjects(ListObjectsArgs.builder().bucket(bucket).recursive(true).build())) {
      keys.add(found.get().objectName());
    }
    return keys;
  }

  @Override
  void delete(String key) throws Exception {
    client.removeObject(RemoveObjectArgs.builder().bucket(bucket).object(key).build());
  }

  public static void main(String[] arguments) throws Exception {
    new MinioJava(arguments[0]).run(arguments);
    // The connections of its HTTP client would keep the program for minutes.
    System.exit(0);
  }
}
