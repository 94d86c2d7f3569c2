"""The four roles, as groups, each with what it needs and no more (docs/operator.md has the table).

Django makes permissions only after all migrations have run, so the ones named here are made here; what it would make
later it then finds. A role that an administrator has changed or removed since stays as it was left.
"""

from django.db import migrations

_SEE = {
    ('conversations', 'conversation'): ('view_conversation',),
    ('conversations', 'turn'): ('view_turn',),
    ('conversations', 'session'): ('view_session',),
}
ROLES = {
    'moderator': {
        ('conversations', 'conversation'): (
            'view_conversation',
            'read_words',
            'listen_recording',
            'watch_session',
            'mute_session',
            'cut_session',
            'flag_conversation',
            'decide_flag',
            'redact_turn',
            'hide_conversation',
            'erase_conversation',
            'rerun_conversation',
        ),
        ('conversations', 'turn'): ('view_turn',),
        ('conversations', 'session'): ('view_session',),
        ('conversations', 'recording'): ('view_recording',),
        ('conversations', 'flag'): ('view_flag',),
        ('conversations', 'flagrule'): ('view_flagrule', 'add_flagrule', 'change_flagrule', 'delete_flagrule'),
        ('log', 'event'): ('view_event',),
        ('avatar_project', 'user'): ('view_user', 'block_person'),
    },
    'voice manager': {
        ('conversations', 'conversation'): ('view_conversation',),
        ('conversations', 'turn'): ('view_turn',),
    },
    'auditor': {
        **_SEE,
        ('conversations', 'conversation'): ('view_conversation', 'verify_record'),
        ('conversations', 'recording'): ('view_recording',),
        ('conversations', 'flag'): ('view_flag',),
        ('conversations', 'flagrule'): ('view_flagrule',),
        ('log', 'event'): ('view_event',),
        ('avatar_project', 'user'): ('view_user',),
    },
    'integrator': {
        **_SEE,
        ('conversations', 'conversation'): ('view_conversation', 'read_feed', 'read_statistics'),
        ('log', 'event'): ('view_event',),
    },
}
NAMES = {
    'read_words': "Can read what others said",
    'listen_recording': "Can listen to others' recordings",
    'watch_session': 'Can follow a live session',
    'mute_session': 'Can mute a live session',
    'cut_session': 'Can end a live session',
    'flag_conversation': 'Can flag a conversation or a turn',
    'decide_flag': 'Can dismiss or uphold a flag',
    'redact_turn': 'Can redact a turn, for good',
    'hide_conversation': 'Can hide a conversation from its owner',
    'erase_conversation': 'Can erase a conversation, for good',
    'verify_record': "Can verify the record's chain",
    'rerun_conversation': 'Can run a conversation again with other engines',
    'read_feed': "Can follow the feed of everybody's events",
    'read_statistics': "Can read everybody's statistics",
    'block_person': 'Can keep a person out and let them in again',
}
_READABLE = {'flagrule': 'flag rule'}


def make_roles(apps, schema_editor):
    Group = apps.get_model('auth', 'Group')
    Permission = apps.get_model('auth', 'Permission')
    ContentType = apps.get_model('contenttypes', 'ContentType')
    for role, models in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        for (app, model), codenames in models.items():
            content_type, _ = ContentType.objects.get_or_create(app_label=app, model=model)
            for codename in codenames:
                permission, _ = Permission.objects.get_or_create(
                    content_type=content_type, codename=codename, defaults={'name': _name(codename, model)}
                )
                group.permissions.add(permission)


def _name(codename, model):
    return NAMES.get(codename) or f"Can {codename.partition('_')[0]} {_READABLE.get(model, model)}"


class Migration(migrations.Migration):

    dependencies = [
        ('avatar_project', '0003_block_person'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
