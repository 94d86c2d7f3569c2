from django.apps import AppConfig


class AvatarProjectConfig(AppConfig):
    name = "avatar_project"
