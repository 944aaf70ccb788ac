from django.apps import AppConfig


class ExperimentsConfig(AppConfig):
    name = "apps.experiments"
    label = "experiments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.catalog import uses
        from apps.devices.desk.merging import merged
        from apps.experiments.of_model import runs_given
        from apps.experiments.on_devices import follow_merged

        uses.register(runs_given)
        merged.connect(follow_merged, dispatch_uid="runs of merged devices")
