"""Becomes another program that ends when its parent does. A script of the standard library only, so that it is fast.

`python -I -S launch.py SIGNAL PARENT IDENTITY PROGRAM ARGUMENT...`: the kernel sends SIGNAL to the program when the
thread that started it is gone (Linux; elsewhere nothing). IDENTITY is who the program believes to be:

- `self`: who we are.
- `mapped`: for root only. A user namespace in which our uid 0 is called 65534: PostgreSQL, which refuses to run as
  root, sees uid 65534, while the kernel lets it use files and directories that belong to root.
- `nobody`: for root only, where namespaces are not allowed: uid and gid 65534.
"""

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24  # linux/prctl.h
CAP_SYS_NICE = 23  # linux/capability.h
NOBODY = 65534


def _map_root() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    # setgroups first: user_namespaces(7) lets a process map its own gid only when that is denied
    for name, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _drop_root() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _stay_fair() -> None:
    """See that the program can't put itself before everything else on this machine.

    SVT-AV1 makes the thread that opens it, and so all that this starts later, SCHED_FIFO with priority 99 where that is
    allowed, which it is to root: two cores full of it and nothing else runs any more, not even a kill.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE)  # takes effect with exec; no other user has it anyway


def _end_with(parent: int, death_signal: int) -> None:
    # After the change of identity, which clears it; exec keeps it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)


def main(death_signal: str, parent: str, identity: str, *command: str) -> None:
    """Never returns: the command takes over, or one line says why not (exit code 127)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # asked to stop already: end without a traceback
    try:
        _stay_fair()
        if identity == "mapped":
            _map_root()
        elif identity == "nobody":
            _drop_root()
        _end_with(int(parent), int(death_signal))
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these, and exec would hand that on
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(*sys.argv[1:])
