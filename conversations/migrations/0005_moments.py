from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0004_recordings_and_verifications'),
    ]

    operations = [
        migrations.AddField(
            model_name='turn',
            name='reply_audio_ms',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='reply_began_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='turn',
            name='user_began_at',
            field=models.DateTimeField(null=True),
        ),
    ]
