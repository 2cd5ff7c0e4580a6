//! What the filter costs in a real Envoy.
