#!/bin/sh
# Makes the tokens and the configuration of these cases anew. Needs OpenSSL 3 and jq. The keys are
# fixtures, secret to no one; the tokens are for the year 2027 and a registry that does not exist.
set -eu
cd "$(dirname "$0")"
keys=../../../../tests/fixtures/keys
registry=XEGX:VKMU:UJ6G:CRLI:LXG6:NQ76:447K:V5MX:YUFG:7AWJ:ROCH:C5HR
stranger=GTM4:VDHX:QKHN:SYY7:WPJM:EVUU:CI6F:BUQS:6ZOZ:7ASM:O3FO:EXGH
thumbprint=fu8mipkDlLJpoZnnprmazv4J7YTJgmHQe9yWh9danHQ
now=1800000000 # 2027-01-15T08:00:00Z

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

token() { # NAME KEY HEADER CLAIMS
    signed="$(printf %s "$3" | base64url).$(printf %s "$4" | base64url)"
    signature="$(printf %s "$signed" | openssl dgst -sha256 -sign "$keys/$2.key" | base64url)"
    printf '%s.%s\n' "$signed" "$signature" >"$1.jwt"
}

header() { printf '{"kid":"%s","typ":"JWT","alg":"RS256"}' "$1"; }

claims() { # ACCESS [CHANGES]
    jq -cn --argjson access "$1" --argjson changes "${2:-{\}}" --argjson now "$now" '{
        auth_type: "gitlab_or_ldap", access: $access, user: "eyJ9.e30.c2ln",
        jti: "6c8b2a0e-5f0d-4f58-9f6c-0d9a3ae0f0b1", aud: "container_registry", sub: "alice",
        iss: "omnibus-gitlab-issuer", iat: $now, nbf: ($now - 5), exp: ($now + 300)
    } + $changes'
}

app='[{"type":"repository","name":"group/app","actions":["pull"],"meta":{"project_path":"group/app"}}]'
token alice registry "$(header $registry)" "$(claims "$app")"
token nothing registry "$(header $registry)" "$(claims '[]')"
token expired registry "$(header $registry)" "$(claims "$app" "{\"exp\":$((now - 192))}")"
token stored registry "$(header $registry)" "$(claims "$app" "{\"exp\":$((now - 8640000))}")"
token early registry "$(header $registry)" "$(claims "$app" "{\"nbf\":$((now + 240))}")"
token stranger stranger "$(header $stranger)" "$(claims "$app")"
token thumbprint registry "$(header $thumbprint)" "$(claims "$app")"
token forged stranger "$(header $registry)" "$(claims "$app" '{"sub":"root"}')"
token helm registry "$(header $registry)" "$(claims "$app" '{"iss":"gitlab-issuer"}')"
token proxy registry "$(header $registry)" "$(claims "$app" '{"aud":"dependency_proxy"}')"
token inner registry "$(header $registry)" '{"user_info":{"username":"alice"},"exp":1800000060}'
token fraction registry "$(header $registry)" "$(claims "$app" '{"exp":1800000300.5}')"
token none registry '{"alg":"none"}' "$(claims "$app")"
token hmac registry '{"kid":"'$registry'","alg":"HS256"}' "$(claims "$app")"
token jwk stranger '{"alg":"RS256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}' "$(claims "$app")"
token hostile stranger '{"alg":"RS256","kid":"<script>alert(1)</script>\u001b[31m\u202e"}' \
    "$(claims "$app" '{"sub":"<img src=x onerror=alert(1)>\u0000\u001b]0;title\u0007","iss":"\u202eevil"}')"
cut -c1-400 <alice.jwt >cut.jwt
printf 'glpat-0123456789abcdefghij\n' >personal.jwt
printf '{"token":"%s"}\n' "$(cat alice.jwt)" >answer.json
printf 'Authorization: Basic YWxpY2U6c2VjcmV0\n' >basic.txt
jq -n --rawfile pem "$keys/registry.crt" '{
    realm: "https://gitlab.example.com/jwt/auth", service: "container_registry",
    issuer: "omnibus-gitlab-issuer", rootcertbundle: $pem
}' >edge.json
jq 'del(.rootcertbundle)' <edge.json >bare.json
jq '.rootcertbundel = .rootcertbundle' <edge.json >typo.json
cp "$keys/registry.crt" registry.crt
