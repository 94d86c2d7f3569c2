from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_working_tables'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='conversation',
            options={'permissions': (('read_words', 'Can read what others said'), ('listen_recording', "Can listen to others' recordings"), ('watch_session', 'Can follow a live session'), ('mute_session', 'Can mute a live session'), ('cut_session', 'Can end a live session'), ('flag_conversation', 'Can flag a conversation or a turn'), ('decide_flag', 'Can dismiss or uphold a flag'), ('redact_turn', 'Can redact a turn, for good'), ('hide_conversation', 'Can hide a conversation from its owner'), ('erase_conversation', 'Can erase a conversation, for good'), ('verify_record', "Can verify the record's chain"), ('rerun_conversation', 'Can run a conversation again with other engines'), ('read_feed', "Can follow the feed of everybody's events"), ('read_statistics', "Can read everybody's statistics")), 'verbose_name': 'conversation', 'verbose_name_plural': 'conversations'},
        ),
        migrations.AlterModelOptions(
            name='flag',
            options={'verbose_name': 'flag', 'verbose_name_plural': 'flags'},
        ),
        migrations.AlterModelOptions(
            name='session',
            options={'verbose_name': 'session', 'verbose_name_plural': 'sessions'},
        ),
        migrations.AlterModelOptions(
            name='turn',
            options={'ordering': ('conversation', 'number'), 'verbose_name': 'turn', 'verbose_name_plural': 'turns'},
        ),
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('stream', models.CharField(blank=True, max_length=120)),
                ('events', models.PositiveBigIntegerField()),
                ('streams', models.PositiveBigIntegerField()),
                ('breaks', models.PositiveBigIntegerField()),
                ('first_break', models.CharField(blank=True, max_length=300)),
                ('actor', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['stream', '-at'], name='verification_latest')],
            },
        ),
        migrations.CreateModel(
            name='Recording',
            fields=[
            ],
            options={
                'verbose_name': 'recording',
                'verbose_name_plural': 'recordings',
                'default_permissions': ('view',),
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('conversations.turn',),
        ),
    ]
