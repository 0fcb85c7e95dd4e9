// Pins the release of the Multi-Cluster Services API whose definitions ours are compared with.
module weft/conformance/mcs/definitions

go 1.26.0

require sigs.k8s.io/mcs-api v0.5.2
