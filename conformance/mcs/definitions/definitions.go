// Package definitions needs nothing of the API but the files beside its code.
package definitions

import _ "sigs.k8s.io/mcs-api/config/crd"
