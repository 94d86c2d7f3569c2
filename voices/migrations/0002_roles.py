"""What voice managers and moderators may do with voices; a role that an administrator has removed stays removed.

Django makes permissions only after all migrations have run, so the ones named here are made here; what it would make
later it then finds.
"""

from django.db import migrations

NAMES = {
    'view_voice': 'Can view voice',
    'approve_voice': 'Can approve or reject a voice that is to be shared',
    'revoke_voice': 'Can revoke a voice',
    'listen_voice': "Can listen to others' samples and consents",
    'view_utterance': 'Can view utterance in a cloned voice',
    'detect_watermark': 'Can ask whether a recording was made here',
}
MODELS = {'view_utterance': 'utterance', 'detect_watermark': 'utterance'}
ROLES = {
    'voice manager': tuple(NAMES),
    'moderator': ('view_voice', 'revoke_voice', 'view_utterance', 'detect_watermark'),
    'auditor': ('view_voice', 'view_utterance'),
}


def give(apps, schema_editor):
    Group = apps.get_model('auth', 'Group')
    Permission = apps.get_model('auth', 'Permission')
    ContentType = apps.get_model('contenttypes', 'ContentType')
    for role, codenames in ROLES.items():
        group = Group.objects.filter(name=role).first()
        for codename in codenames:
            model = MODELS.get(codename, 'voice')
            content_type, _ = ContentType.objects.get_or_create(app_label='voices', model=model)
            permission, _ = Permission.objects.get_or_create(
                content_type=content_type, codename=codename, defaults={'name': NAMES[codename]}
            )
            if group is not None:
                group.permissions.add(permission)


class Migration(migrations.Migration):

    dependencies = [
        ('voices', '0001_voices'),
        ('avatar_project', '0004_roles'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
