import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.CredentialRetriever;
import com.google.cloud.tools.jib.api.ImageReference;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainer;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.frontend.CredentialRetrieverFactory;
import java.nio.file.Path;
import java.util.List;

/**
 * Builds an image on the base image BASE, adds FILE and pushes it as TARGET, with the credentials of Docker's
 * configuration in the home folder.
 *
 * <p>Usage: JibClient CACHE FILE TARGET BASE. It prints the digest of the image, and what jib logs on stderr.
 */
public final class JibClient {
  private JibClient() {}

  public static void main(String[] args) throws Exception {
    Path cache = Path.of(args[0]);
    JibContainer container =
        Jib.from(withCredentials(ImageReference.parse(args[3])))
            .addLayer(List.of(Path.of(args[1])), AbsoluteUnixPath.get("/"))
            .containerize(
                Containerizer.to(withCredentials(ImageReference.parse(args[2])))
                    .setBaseImageLayersCache(cache.resolve("base"))
                    .setApplicationLayersCache(cache.resolve("application")));
    System.out.println(container.getDigest());
  }

  private static RegistryImage withCredentials(ImageReference image) {
    CredentialRetriever retriever =
        CredentialRetrieverFactory.forImage(
                image, event -> System.err.println(event.getLevel() + ": " + event.getMessage()))
            .dockerConfig();
    return RegistryImage.named(image).addCredentialRetriever(retriever);
  }
}
