"""Whether the site can work: `/live` and `/ready` for load balancers, `doctor` for people."""
