from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0002_moderation'),
    ]

    operations = [
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('position', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='FlagRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Stands in the record with every flag it raises.', max_length=120, unique=True, verbose_name='name')),
                ('language', models.CharField(blank=True, help_text='Such as en or zh: only what is said in it is looked at. Empty: everything.', max_length=40, verbose_name='language')),
                ('kind', models.CharField(choices=[('words', 'words'), ('pattern', 'pattern')], default='words', max_length=8, verbose_name='kind')),
                ('expression', models.TextField(help_text="Words: one word or phrase a line, found as whole words (in Chinese and Japanese anywhere); capital letters do not matter. Pattern: a regular expression in RE2's syntax.", verbose_name='expression')),
                ('reason', models.CharField(default='other', max_length=80, verbose_name='reason')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
            ],
            options={
                'verbose_name': 'flag rule',
                'verbose_name_plural': 'flag rules',
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Presence',
            fields=[
                ('session_id', models.CharField(max_length=120, primary_key=True, serialize=False)),
                ('process', models.CharField(max_length=200)),
                ('seen_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['seen_at'], name='presence_seen')],
            },
        ),
    ]
