from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0002_boards_links_profiles'),
    ]

    operations = [
        migrations.AddField(
            model_name='agent',
            name='copied',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='agent',
            name='token_made',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='agent',
            index=models.Index(condition=models.Q(('next_prefix', ''), _negated=True), fields=['next_prefix'], name='agents_with_a_next_token'),
        ),
    ]
