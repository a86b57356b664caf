"""Django's HTTP at less cost: what stands in for parts of asgiref and Django while casgi serves.

docs/django.md says what is replaced and what can be seen of it.
"""
