"""Capabilities that this machine withholds, and the OCI runtime that does without them.

A process cannot give a container a capability outside its own bounding set: `docker run
--privileged` asks for all of them and fails. The wrapper takes the missing ones out of what runc is
asked for and hands over to runc.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

#: By bit number, as in linux/capability.h.
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip

# The object after "capabilities": holds nothing but lists of names, so it ends at the first brace. As a JSON
# key the word has bare quotes; inside a string they would be escaped. So nothing else in the file can match.
_WRAPPER = """\
#!/bin/sh
# Takes the capabilities that this machine withholds out of what runc is asked for.
file= previous=
for argument; do
    case $previous in
        --bundle | -b) file=$argument/config.json ;;
        --process | -p) file=$argument ;;
    esac
    case $argument in
        --bundle=*) file=${{argument#--bundle=}}/config.json ;;
        --process=*) file=${{argument#--process=}} ;;
    esac
    previous=$argument
done
if [ -n "$file" ] && grep -qE '{any_name}' "$file" 2>/dev/null; then
    sed -i -E -z ':a; s/("capabilities":[[:space:]]*\\{{[^}}]*)"({names})"[[:space:]]*,?/\\1/; ta
        :b; s/("capabilities":[[:space:]]*\\{{[^}}]*),[[:space:]]*\\]/\\1]/; tb' "$file" || exit 1
fi
exec {runc} "$@"
"""


def missing_capabilities(status: str | None = None, last: int | None = None) -> tuple[str, ...]:
    """Return the names of the capabilities that are not in this process's bounding set.

    Args:
        status: Text in the form of /proc/self/status; that file when omitted.
        last: Number of the last capability that the kernel knows; asked of the kernel when omitted.

    Returns:
        Names such as `CAP_SYS_RESOURCE`, in the kernel's order; nothing on a system without /proc.
    """
    try:
        text = Path("/proc/self/status").read_text() if status is None else status
        highest = int(Path("/proc/sys/kernel/cap_last_cap").read_text()) if last is None else last
    except OSError:
        return ()
    bounding = next((int(line.split()[1], 16) for line in text.splitlines() if line.startswith("CapBnd:")), None)
    if bounding is None:
        return ()
    return tuple(name for bit, name in enumerate(NAMES) if bit <= highest and not bounding >> bit & 1)


def write_wrapper(path: Path, runc: str, missing: Sequence[str]) -> None:
    """Write the runtime that drops `missing` and hands over to `runc`.

    Args:
        path: File to write; its folder is made.
        runc: Absolute path of the real runtime.
        missing: Names of capabilities, at least one.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    names = "|".join(missing)
    text = _WRAPPER.format(names=names, any_name=f'"({names})"', runc=shlex.quote(runc))
    temporary = path.with_suffix(".part")
    temporary.write_text(text)
    temporary.chmod(0o755)
    temporary.replace(path)
