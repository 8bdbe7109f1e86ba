"""Programs as users of Qudao's HTTP API would write them."""
