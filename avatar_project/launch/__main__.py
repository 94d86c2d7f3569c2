"""`python -m avatar_project.launch`: keys, models, browser libraries, database, the three processes until Ctrl-C."""

import os
import subprocess
import sys

from avatar_project import database
from avatar_project.launch import keys, ports, stages
from avatar_project.launch.supervision import Supervision
from inference import config
from inference.env import BASE_DIR, ConfigurationError, Environment


def main() -> int:
    try:
        for line in keys.write_missing(BASE_DIR / ".env"):
            print(line, flush=True)
        env = Environment()
        place = ports.Place(
            bind=env.text("AVATAR_BIND", "127.0.0.1"),
            port=env.whole("AVATAR_PORT", 8000, least=1, most=65535),
            hosts=tuple(env.names("AVATAR_ALLOWED_HOSTS", ports.LOOPBACK)),
            https=env.flag("AVATAR_HTTPS", False),
        )
        data_dir = config.load().data_dir
        with stages.only_one(data_dir, place.port):
            ports.refuse_taken(place)
            if database.is_postgresql(env):
                stages.run("packages", [sys.executable, "requirements/bootstrap.py", "packages", "postgresql.txt"])
            stages.run("models", [sys.executable, "-m", "inference.catalogue", "pull"])
            stages.run("browser libraries", [sys.executable, "-m", "avatar_project.launch.browser"])
            stages.run("database", [sys.executable, "manage.py", "prepare"])
            return Supervision(place, data_dir).run()
    except ConfigurationError as error:
        print(f"AVATAR cannot start: {error}", file=sys.stderr)
    except stages.Stop as stop:
        print(stop, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    os.chdir(BASE_DIR)
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(f"AVATAR cannot start: {error}")
