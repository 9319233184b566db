"""Who acts when a command is given: the operating system's user, which no option can change."""

import os
import pwd


def operating_system_user() -> str:
    """Name the user of this process, as the system's accounts do; `uid:N` where it has no account.

    The environment is not asked: anybody can write any name into it.
    """
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid:{number}"
