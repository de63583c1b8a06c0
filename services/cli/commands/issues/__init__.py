"""`postrail issues`: the issues of the built-in tracker."""
