import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/** The steps of a client, as in data-clients/steps.py: `PROGRAM BUCKET FILE [SECONDS]`. Prints one line of JSON. */
abstract class Steps {
  abstract void write(String key, byte[] content) throws Exception;

  abstract byte[] read(String key) throws Exception;

  abstract List<String> list() throws Exception;

  abstract void delete(String key) throws Exception;

  /** A step of this client only. */
  void further() throws Exception {}

  void run(String[] arguments) throws Exception {
    if (arguments.length > 2) {
      System.out.println("{\"rounds\":" + outlive(Integer.parseInt(arguments[2])) + "}");
      return;
    }
    String small = "some folder/small+ü";
    write(small, "Hello, World".getBytes(StandardCharsets.UTF_8));
    write("kept/big", Files.readAllBytes(Path.of(arguments[1])));
    String read = quote(List.of(sum(read(small)), sum(read("kept/big"))));
    String listed = quote(list());
    delete(small);
    String left = quote(list());
    further();
    System.out.println("{\"read\":" + read + ",\"listed\":" + listed + ",\"left\":" + left + "}");
  }

  private int outlive(int seconds) throws Exception {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    int rounds = 0;
    for (; rounds < 3 || System.nanoTime() < end; rounds++) {
      String key = "round-" + rounds;
      byte[] content = "x".repeat(rounds + 1).getBytes(StandardCharsets.UTF_8);
      write(key, content);
      expect(Arrays.equals(read(key), content), key);
      expect(list().contains(key), key);
      delete(key);
      Thread.sleep(250);
    }
    return rounds;
  }

  static void expect(boolean holds, String seen) {
    if (!holds) throw new IllegalStateException("unexpected: " + seen);
  }

  private static String quote(List<String> texts) {
    return texts.stream().sorted().map(text -> '"' + text + '"').collect(Collectors.joining(",", "[", "]"));
  }

  private static String sum(byte[] content) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
  }
}
