"""Steering the engines is a permission, and the role *operator* has it."""

from django.db import migrations

NAME = 'Can see memory and sessions, load and unload models'


def make_operator(apps, schema_editor):
    Group = apps.get_model('auth', 'Group')
    Permission = apps.get_model('auth', 'Permission')
    ContentType = apps.get_model('contenttypes', 'ContentType')
    users, _ = ContentType.objects.get_or_create(app_label='avatar_project', model='user')
    permission, _ = Permission.objects.get_or_create(
        content_type=users, codename='operate_engines', defaults={'name': NAME}
    )
    group, _ = Group.objects.get_or_create(name='operator')
    group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ('avatar_project', '0005_erase_person'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='user',
            options={
                'permissions': (
                    ('block_person', 'Can keep a person out and let them in again'),
                    ('erase_person', 'Can erase a person with all that they said, for good'),
                    ('operate_engines', NAME),
                ),
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
            },
        ),
        migrations.RunPython(make_operator, migrations.RunPython.noop),
    ]
