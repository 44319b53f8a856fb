"""Huawei Cloud CSMS and IAM, as their documents state them."""
