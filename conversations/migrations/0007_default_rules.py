"""The rules that an installation begins with: few, and mild. What more is needed depends on who talks there."""

from django.db import migrations

RULES = (
    # name, language, kind, expression, reason, enabled
    (
        'Self-harm (English)', 'en', 'words',
        'kill myself\nkilling myself\nhurt myself\nend my life\nwant to die\ncommit suicide\nsuicidal',
        'self_harm', True,
    ),
    ('自傷（中文）', 'zh', 'words', '自殺\n自殘\n想死\n不想活\n活不下去\n結束生命\n傷害自己', 'self_harm', True),
    (
        'Threats (English)', 'en', 'words',
        'I will kill you\nI\'ll kill you\nI will hurt you\nI\'ll hurt you\ngoing to kill\nbomb threat',
        'violence', True,
    ),
    ('威脅（中文）', 'zh', 'words', '殺了你\n殺死你\n弄死你\n砍死你\n炸彈', 'violence', True),
    ('Card numbers', '', 'pattern', r'\b(?:\d[ -]?){15,16}\b', 'personal_data', False),
    ('身分證字號（台灣）', '', 'pattern', r'\b[A-Z][12]\d{8}\b', 'personal_data', False),
)


def make_rules(apps, schema_editor):
    rules = apps.get_model('conversations', 'FlagRule').objects
    for name, language, kind, expression, reason, enabled in RULES:
        rules.get_or_create(
            name=name,
            defaults={
                'language': language, 'kind': kind, 'expression': expression, 'reason': reason, 'enabled': enabled,
            },
        )


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0006_history'),
    ]

    operations = [migrations.RunPython(make_rules, migrations.RunPython.noop)]
