"""Django's settings, all from the environment (`.env.example` documents each variable)."""

from csp.constants import NONCE, NONE, SELF

from avatar_project import database, logs
from avatar_project.bind import guests_admitted
from avatar_project.layers import caches, channel_layers
from inference import config as inference_config
from inference.env import BASE_DIR, Environment

env = Environment()
INFERENCE = inference_config.load()
DATA_DIR = INFERENCE.data_dir

SECRET_KEY = env.text("AVATAR_SECRET_KEY")
AVATAR_MASTER_KEY = env.key("AVATAR_MASTER_KEY", size=32, file_name="AVATAR_MASTER_KEY_FILE")
"""Wraps the keys of all conversations: 32 bytes in base64. `conversations.log.checks` says when it is not usable."""
AVATAR_MASTER_KEY_PREVIOUS = env.key("AVATAR_MASTER_KEY_PREVIOUS", size=32, file_name="AVATAR_MASTER_KEY_PREVIOUS_FILE")
"""Opens conversations too, while `rotate_master_key` has not been through with them."""
HEADS_DIR = env.path("AVATAR_HEADS_DIR", DATA_DIR) if env.text("AVATAR_HEADS_DIR") else None
"""Where the task cluster exports the heads of all chains to, every `HEADS_MINUTES`; None: it does not."""
HEADS_MINUTES = env.whole("AVATAR_HEADS_MINUTES", 1440, least=1)
DEBUG = env.flag("AVATAR_DEBUG", False)
BIND = env.text("AVATAR_BIND", "127.0.0.1")
PORT = env.whole("AVATAR_PORT", 8000, least=1, most=65535)
ALLOWED_HOSTS = env.names("AVATAR_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
HTTPS = env.flag("AVATAR_HTTPS", False)
CSRF_TRUSTED_ORIGINS = env.names("AVATAR_TRUSTED_ORIGINS")
GUESTS = env.choice("AVATAR_GUESTS", "auto", ("auto", "on", "off"))
GUESTS_ADMITTED = guests_admitted(BIND, ALLOWED_HOSTS, GUESTS)
KEEP_DEFAULT = env.choice("AVATAR_KEEP_DEFAULT", "sound", ("sound", "text", "nothing"))
"""What is kept of a conversation until the person chooses (`conversations.events.Keep`)."""
KEEP_DAYS = env.whole("AVATAR_KEEP_DAYS", 0)
"""The longest that anything is kept; 0: for ever. `conversations.keeping.retention` erases what is older."""
KEEP_SOUND_DAYS = env.whole("AVATAR_KEEP_SOUND_DAYS", 0)
"""The same for sound alone."""

REDIS_URL = env.url("AVATAR_REDIS_URL", schemes=("redis", "rediss", "unix"))
"""Connects several web processes; empty: each keeps what is short-lived in its own memory."""
CHANNEL_LAYERS = channel_layers(REDIS_URL, SECRET_KEY)
CACHES = caches(REDIS_URL)

INSTALLED_APPS = [
    "avatar_project",
    "conversations.log",
    "conversations",
    "voices",
    "inference",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
]
MIDDLEWARE = [
    "avatar_project.api.problems.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "avatar_project.middleware.GuestMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "avatar_project.middleware.PermissionsPolicyMiddleware",
]
ROOT_URLCONF = "avatar_project.urls"
ASGI_APPLICATION = "avatar_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": database.default(env, DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "avatar_project.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/chat"
LOGOUT_REDIRECT_URL = "/chat"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
TIME_ZONE = env.time_zone("AVATAR_TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

# What people upload is mostly their voice: no named file holds it in the clear, for a killed process to leave behind.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
"""Files of a larger body do not arrive: voices take 10 MB (`voices.pages.requests`)."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "avatar_project.api.authentication.KeyAuthentication",
        "avatar_project.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["avatar_project.api.permissions.InScope"],
    "DEFAULT_THROTTLE_CLASSES": ["avatar_project.api.throttles.RequestsPerMinute"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.parsers.Json"],
    "DEFAULT_PAGINATION_CLASS": "conversations.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "avatar_project.api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AVATAR",
    "DESCRIPTION": "Conversations, their record, and what happens in them. Errors are problem details (RFC 9457).",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "VoiceStateEnum": "voices.models.State",
        "PreviewStateEnum": "voices.models.PreviewState",
        "KeyStateEnum": "avatar_project.api_keys.STATES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "avatar_project.api.schema.add_problems",
    ],
}
API_REQUESTS_PER_MINUTE = {
    "read": env.whole("AVATAR_API_READS_PER_MINUTE", 600, least=1),
    "write": env.whole("AVATAR_API_WRITES_PER_MINUTE", 60, least=1),
    "heavy": env.whole("AVATAR_API_HEAVY_PER_MINUTE", 60, least=1),
    "engines": env.whole("AVATAR_API_ENGINES_PER_MINUTE", 120, least=1),
}
"""For each key, or each signed-in browser; heavy are search, statistics and exports, engines what /v1 computes."""
API_CALLS = env.whole("AVATAR_API_CALLS", 16, least=1)
API_CALLS_EACH = env.whole("AVATAR_API_CALLS_EACH", 4, least=1)
"""Requests under /v1 that compute at once: in this process, and of each key."""
API_CHATS = env.whole("AVATAR_API_CHATS", 2, least=1)
"""Of these, chat completions: what is above waits, so that conversations find the chat model free."""
FEED_STREAMS = env.whole("AVATAR_FEED_STREAMS", 64, least=1)
FEED_STREAMS_EACH = env.whole("AVATAR_FEED_STREAMS_EACH", 4, least=1)

# Background tasks: the ORM broker also beside Redis (its Redis broker loses tasks on a crash).
Q_CLUSTER = {
    "name": "avatar",
    "orm": "default",
    "workers": 2,  # one for long work (`common.long_tasks`), one for what must not wait for it
    "timeout": 600,
    "retry": 900,
    "max_attempts": 3,
    "catch_up": False,
    "poll": 1,
}

# A page may load what this server serves, and nothing else; no inline script or style.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
# Each server on this machine has a jar of its own: browsers share cookies between the ports of one host.
SESSION_COOKIE_NAME = f"avatar_session_{PORT}"
CSRF_COOKIE_NAME = f"avatar_csrf_{PORT}"

# Static files are found where they lie: nothing to collect before the start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEBUG else 60

LOG_LEVEL = env.choice("AVATAR_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logs.configure(LOG_LEVEL, plain=DEBUG)
