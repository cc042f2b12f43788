"""The stations that come with mityflow. They import :mod:`mityflow.sdk` and nothing else of mityflow."""
