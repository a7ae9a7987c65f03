"""The protocol of heads that follow a face: drawn frames against what the driven person did."""
