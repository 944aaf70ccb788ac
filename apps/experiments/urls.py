from __future__ import annotations

from django.urls import path

from apps.experiments import guide, new, views

urlpatterns = [
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/new/", new.choose, name="choose-recipe"),
    path("experiments/new/<str:recipe>/", new.new, name="new-experiment"),
    path("experiments/new/<str:recipe>/summary/", new.summary, name="new-summary"),
    path("experiments/of-model/<uuid:pk>/", views.runs_of_model, name="runs-of-model"),
    path("runs/<uuid:pk>/", views.run, name="run"),
    path("runs/<uuid:pk>/head/", views.run_head, name="run-head"),
    path("runs/<uuid:pk>/variants/", views.run_variants, name="run-variants"),
    path("runs/<uuid:pk>/files/", views.run_files, name="run-files"),
    path("runs/<uuid:pk>/files/<int:file>/", views.run_file, name="run-file"),
    path("runs/<uuid:pk>/environment/", views.run_environment, name="run-environment"),
    path("runs/<uuid:pk>/rename/", views.rename, name="run-rename"),
    path("runs/<uuid:pk>/cancel/", views.cancel, name="run-cancel"),
    path("runs/<uuid:pk>/retry/", views.retry, name="run-retry"),
    path("runs/<uuid:pk>/change/", views.change, name="run-change"),
    path("docs/", guide.docs, name="docs"),
    path("docs/<str:recipe>/", guide.recipe_docs, name="recipe-docs"),
]
