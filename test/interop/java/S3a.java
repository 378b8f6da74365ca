import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Hadoop's S3A file system, as Spark, Hive and Flink use it. */
class S3a extends Steps {
  private final String root;
  private final FileSystem files;

  S3a(String bucket) throws Exception {
    root = "s3a://" + bucket + "/";
    Configuration settings = new Configuration();
    settings.set("fs.s3a.endpoint", System.getenv("AWS_ENDPOINT_URL_S3"));
    settings.set("fs.s3a.endpoint.region", "us-east-1");
    settings.set("fs.s3a.path.style.access", "true");
    settings.set("fs.s3a.connection.ssl.enabled", "false");
    settings.set("fs.s3a.multipart.size", "8M");
    if (System.getenv("AWS_SESSION_TOKEN") == null) {
      // The SDK's own provider, which renews.
      settings.set("fs.s3a.aws.credentials.provider", "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider");
    } else {
      settings.set("fs.s3a.aws.credentials.provider", "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider");
      settings.set("fs.s3a.access.key", System.getenv("AWS_ACCESS_KEY_ID"));
      settings.set("fs.s3a.secret.key", System.getenv("AWS_SECRET_ACCESS_KEY"));
      settings.set("fs.s3a.session.token", System.getenv("AWS_SESSION_TOKEN"));
    }
    files = new Path(root).getFileSystem(settings);
  }

  @Override
  void write(String key, byte[] content) throws Exception {
    try (FSDataOutputStream stream = files.create(new Path(root + key))) {
      stream.write(content);
    }
  }

  @Override
  byte[] read(String key) throws Exception {
    Path path = new Path(root + key);
    byte[] content = new byte[(int) files.getFileStatus(path).getLen()];
    try (FSDataInputStream stream = files.open(path)) {
      stream.readFully(0, content);
    }
    return content;
  }

  @Override
  List<String> list() throws Exception {
    List<String> keys = new ArrayList<>();
    RemoteIterator<LocatedFileStatus> found = files.listFiles(new Path(root), true);
    while (found.hasNext()) keys.add(found.next().getPath().toUri().getPath().substring(1));
    return keys;
  }

  @Override
  void delete(String key) throws Exception {
    expect(files.delete(new Path(root + key), false), "nothing was deleted");
  }

  @Override
  void further() throws Exception {
    Path from = new Path(root + "from");
    Path to = new Path(root + "to");
    expect(files.mkdirs(from), "no folder was made");
    byte[] content = read("kept/big");
    write("from/big", content);
    expect(files.rename(from, to), "the folder was not renamed");
    expect(files.listStatus(to).length == 1 && !files.exists(from), "the list after the renaming");
    expect(Arrays.equals(read("to/big"), content), "the renamed file");
    expect(files.delete(to, true) && !files.exists(to), "the folder is still there");
  }

  public static void main(String[] arguments) throws Exception {
    S3a steps = new S3a(arguments[0]);
    steps.run(arguments);
    steps.files.close();
  }
}
