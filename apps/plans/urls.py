from __future__ import annotations

from django.urls import path

from apps.plans import joint_page, planner_page, views

urlpatterns = [
    path("planner/", planner_page.planner, name="planner"),
    path("planner/part/", planner_page.part, name="planner-part"),
    path("planner/answer/", planner_page.answer, name="planner-answer"),
    path("planner/plans.csv", planner_page.table, name="planner-csv"),
    path("planner/example/", planner_page.bring_example, name="planner-example"),
    path("planner/joint/", joint_page.joint, name="joint-plans"),
    path("planner/joint/part/", joint_page.part, name="joint-part"),
    path("planner/joint/answer/", joint_page.answer, name="joint-answer"),
    path("planner/joint/versions.csv", joint_page.table, name="joint-csv"),
    path("planner/saved/", views.plans, name="plans"),
    path("planner/saved/save/", views.save, name="plan-save"),
    path("planner/saved/<uuid:pk>/", views.plan, name="plan"),
    path("planner/saved/<uuid:pk>/plan.json", views.as_json, name="plan-json"),
    path("planner/saved/<uuid:pk>/plan.csv", views.as_csv, name="plan-csv"),
    path("planner/saved/<uuid:pk>/rename/", views.rename, name="plan-rename"),
    path("planner/saved/<uuid:pk>/refresh/", views.refresh, name="plan-refresh"),
    path("planner/saved/<uuid:pk>/delete/", views.delete, name="plan-delete"),
]
