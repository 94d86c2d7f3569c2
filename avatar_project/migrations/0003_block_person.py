from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('avatar_project', '0002_apikey'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='user',
            options={'permissions': (('block_person', 'Can keep a person out and let them in again'),), 'verbose_name': 'user', 'verbose_name_plural': 'users'},
        ),
    ]
