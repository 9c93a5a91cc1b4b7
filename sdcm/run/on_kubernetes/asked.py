"""The options of `--on kubernetes`, as plain data; what is wrong about them is said here."""

from dataclasses import dataclass

from sdcm.errors import UsageProblem


@dataclass(frozen=True)
class OnKubernetes:
    """What the user asked for.

    Attributes:
        shards: How many pods.
        context: Context of the kubeconfig; empty: its current one.
        namespace: A namespace that is there; empty: one of the run's own.
        image: A runner image that is there; empty: it is made.
        registry: Where the image is pushed to.
        load_into_kind: It is loaded into the Kind cluster instead.
        cpu: A pod's processors (`500m`, `2`); empty: the default, without a limit.
        memory: A pod's memory (`1Gi`); empty: the default.
        account: Service account of the pods; empty: the namespace's default.
    """

    shards: int
    context: str = ""
    namespace: str = ""
    image: str = ""
    registry: str = ""
    load_into_kind: bool = False
    cpu: str = ""
    memory: str = ""
    account: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageProblem: There is no way, or more than one, by which the image comes to the cluster.
        """
        ways = [bool(self.image), bool(self.registry), self.load_into_kind]
        if sum(ways) != 1:
            raise UsageProblem(
                "--on kubernetes needs one way for its image to come to the cluster",
                why="several are given" if any(ways) else "none is given",
                mend="--registry HOST/PATH, --load-into-kind, or --image REFERENCE",
            )
