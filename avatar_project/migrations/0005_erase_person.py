"""Erasing a person is a permission of its own; the moderators, who had it with another, keep it."""

from django.db import migrations

NAME = 'Can erase a person with all that they said, for good'


def give_to_moderators(apps, schema_editor):
    Group = apps.get_model('auth', 'Group')
    Permission = apps.get_model('auth', 'Permission')
    ContentType = apps.get_model('contenttypes', 'ContentType')
    users, _ = ContentType.objects.get_or_create(app_label='avatar_project', model='user')
    permission, _ = Permission.objects.get_or_create(
        content_type=users, codename='erase_person', defaults={'name': NAME}
    )
    for group in Group.objects.filter(name='moderator'):
        group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ('avatar_project', '0004_roles'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='user',
            options={
                'permissions': (
                    ('block_person', 'Can keep a person out and let them in again'),
                    ('erase_person', NAME),
                ),
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
            },
        ),
        migrations.RunPython(give_to_moderators, migrations.RunPython.noop),
    ]
