import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleWithWebIdentityCredentialsProvider;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

/** The AWS SDK for Java v2: the asynchronous client, which sends large objects in parts, and its transfer manager. */
class AwsSdk extends Steps {
  private final String bucket;
  private final S3AsyncClient s3;
  private final S3TransferManager manager;

  AwsSdk(String bucket) {
    this.bucket = bucket;
    s3 =
        S3AsyncClient.builder()
            .credentialsProvider(credentials())
            .forcePathStyle(true)
            .multipartEnabled(true)
            .build();
    manager = S3TransferManager.builder().s3Client(s3).build();
  }

  /** The default chain, unless STEPS_LIFETIME says for how many seconds to ask, which the chain cannot. */
  private static AwsCredentialsProvider credentials() {
    String file = System.getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (file == null || System.getenv("STEPS_LIFETIME") == null) return DefaultCredentialsProvider.builder().build();
    int lifetimeSeconds = Integer.parseInt(System.getenv("STEPS_LIFETIME"));
    return StsAssumeRoleWithWebIdentityCredentialsProvider.builder()
        .stsClient(StsClient.builder().credentialsProvider(() -> null).build())
        .staleTime(Duration.ofSeconds(2))
        .prefetchTime(Duration.ofSeconds(4))
        .refreshRequest(
            request -> {
              try {
                request.webIdentityToken(Files.readString(Path.of(file)));
              } catch (IOException error) {
                throw new UncheckedIOException(error);
              }
              request.roleArn(System.getenv("AWS_ROLE_ARN")).roleSessionName("java").durationSeconds(lifetimeSeconds);
            })
        .build();
  }

  @Override
  void write(String key, byte[] content) {
    s3.putObject(to -> to.bucket(bucket).key(key), AsyncRequestBody.fromBytes(content)).join();
  }

  @Override
  byte[] read(String key) {
    return s3.getObject(from -> from.bucket(bucket).key(key), AsyncResponseTransformer.toBytes()).join().asByteArray();
  }

  @Override
  List<String> list() {
    List<String> keys = new ArrayList<>();
    s3.listObjectsV2Paginator(of -> of.bucket(bucket).maxKeys(1)).contents().subscribe(found -> keys.add(found.key())).join();
    return keys;
  }

  @Override
  void delete(String key) {
    s3.deleteObject(of -> of.bucket(bucket).key(key)).join();
  }

  @Override
  void further() throws Exception {
    Path file = Files.createTempFile("java", null);
    manager.downloadFile(of -> of.destination(file).getObjectRequest(from -> from.bucket(bucket).key("kept/big"))).completionFuture().join();
    manager.uploadFile(of -> of.source(file).putObjectRequest(to -> to.bucket(bucket).key("by-file"))).completionFuture().join();
    manager
        .copy(of -> of.copyObjectRequest(copy -> copy.sourceBucket(bucket).sourceKey("by-file").destinationBucket(bucket).destinationKey("copy")))
        .completionFuture()
        .join();
    expect(Arrays.equals(read("copy"), Files.readAllBytes(file)), "the copy");
    Files.delete(file);
    for (String key : List.of("by-file", "copy")) delete(key);
  }

  public static void main(String[] arguments) throws Exception {
    AwsSdk steps = new AwsSdk(arguments[0]);
    steps.run(arguments);
    steps.manager.close();
    steps.s3.close();
  }
}
