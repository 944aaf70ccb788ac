from __future__ import annotations

from django.urls import path

from apps.catalog import editing, upload_pages, views

urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/<uuid:pk>/", views.model, name="model"),
    path("models/<uuid:pk>/rename/", editing.rename_model, name="model-rename"),
    path("models/<uuid:pk>/delete/", editing.delete_model, name="model-delete"),
    path("models/variants/<uuid:pk>/", editing.variant, name="variant"),
    path("models/variants/<uuid:pk>/rename/", editing.rename_variant, name="variant-rename"),
    path("models/variants/<uuid:pk>/delete/", editing.delete_variant, name="variant-delete"),
    path("models/variants/<uuid:pk>/file.safetensors", views.variant_file, {"kind": "safetensors"},
         name="variant-file"),
    path("models/variants/<uuid:pk>/file.onnx", views.variant_file, {"kind": "onnx"}, name="variant-onnx"),
    path("data/", views.datasets, name="datasets"),
    path("data/<uuid:pk>/", views.dataset, name="dataset"),
    path("data/<uuid:pk>/rename/", editing.rename_dataset, name="dataset-rename"),
    path("data/<uuid:pk>/delete/", editing.delete_dataset, name="dataset-delete"),
    path("data/<uuid:pk>/file", views.dataset_file, name="dataset-file"),
    path("uploads/of-model/", upload_pages.uploads, {"kind": "model"}, name="model-uploads"),
    path("uploads/of-dataset/", upload_pages.uploads, {"kind": "dataset"}, name="dataset-uploads"),
    path("uploads/<uuid:pk>/again/", upload_pages.again, name="upload-again"),
    path("uploads/<uuid:pk>/abandon/", upload_pages.abandon, name="upload-abandon"),
]
