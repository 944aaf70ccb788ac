from __future__ import annotations

from django.urls import path

from apps.catalog import views

urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/<uuid:pk>/", views.model, name="model"),
    path("models/variants/<uuid:pk>/file.safetensors", views.variant_file, {"kind": "safetensors"},
         name="variant-file"),
    path("models/variants/<uuid:pk>/file.onnx", views.variant_file, {"kind": "onnx"}, name="variant-onnx"),
    path("data/", views.datasets, name="datasets"),
    path("data/<uuid:pk>/", views.dataset, name="dataset"),
    path("data/<uuid:pk>/file", views.dataset_file, name="dataset-file"),
]
