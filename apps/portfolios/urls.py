from __future__ import annotations

from django.urls import path

from apps.portfolios import doing, picking, views

urlpatterns = [
    path("portfolios/", views.portfolios, name="portfolios"),
    path("portfolios/pick/", picking.pick, name="pick"),
    path("portfolios/pick/bar/", picking.bar, name="pick-bar"),
    path("portfolios/<uuid:pk>/", views.portfolio, name="portfolio"),
    path("portfolios/<uuid:pk>/parts/<slug:kind>/", views.fragment, name="portfolio-fragment"),
    path("portfolios/<uuid:pk>/evidence.json", views.evidence, name="portfolio-evidence"),
    path("portfolios/<uuid:pk>/cells.csv", views.cells, name="portfolio-cells"),
    path("portfolios/<uuid:pk>/edit/", doing.edit, name="portfolio-edit"),
    path("portfolios/<uuid:pk>/submit/", doing.submit, name="portfolio-submit"),
    path("portfolios/<uuid:pk>/withdraw/", doing.withdraw, name="portfolio-withdraw"),
    path("portfolios/<uuid:pk>/decide/", doing.decide, name="portfolio-decide"),
    path("portfolios/<uuid:pk>/variants/<uuid:variant>/remove/", doing.drop_variant, name="portfolio-drop-variant"),
    path("portfolios/<uuid:pk>/variants/<uuid:variant>/note/", doing.note, name="portfolio-note"),
    path("portfolios/<uuid:pk>/criteria/", doing.add_criterion, name="portfolio-criteria"),
    path("portfolios/<uuid:pk>/criteria/<int:number>/", doing.criterion, name="portfolio-criterion"),
    path("portfolios/<uuid:pk>/criteria/<int:number>/remove/", doing.drop_criterion, name="portfolio-drop-criterion"),
    path("portfolios/<uuid:pk>/comments/", doing.comment, name="portfolio-comments"),
    path("portfolios/<uuid:pk>/comments/<int:number>/", doing.edit_comment, name="portfolio-comment"),
    path("portfolios/<uuid:pk>/comments/<int:number>/delete/", doing.delete_comment, name="portfolio-delete-comment"),
    path("portfolios/<uuid:pk>/comments/<int:number>/resolve/", doing.resolve, name="portfolio-resolve-comment"),
]
