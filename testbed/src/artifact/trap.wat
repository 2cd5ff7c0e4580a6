;; A filter that lets the first request of each of its machines go on, with the header by which a guard
;; knows that the filter ran, and traps at the second. What a host makes of the trap is what the tests ask.
(module
  (import "env" "proxy_replace_header_map_value"
    (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 16) "x-registry-permityes")
  (global $free (mut i32) (i32.const 1024))
  (global $requests (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $size)))
    (local.get $start))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
    (if (i32.ge_u (global.get $requests) (i32.const 2)) (then unreachable))
    (call $replace (i32.const 0) (i32.const 16) (i32.const 17) (i32.const 33) (i32.const 3))))
