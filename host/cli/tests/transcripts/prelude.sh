# What every transcript begins with: a vendor's keys, policies and licenses. Each gets a copy of the directory that this runs in.
set -eu
placet key new --out TEST-root --use policy
placet key new --out TEST-foreign --use policy
placet key new --out TEST-license
placet key new --out TEST-stranger

for release in 1 2 3; do
    placet policy pack --name acme/router --version "1.$release.0" --sequence "$release" --issued 2026-01-01 \
        --trust TEST-license.pub --key TEST-root.key --out "router-$release.wasm"
done
placet policy sign router-2.wasm --replace --key TEST-foreign.key --out foreign.wasm
sed 's/acme.router/acme.rooter/' router-2.wasm >changed.wasm

issue() {
    id=$1
    shift
    placet license new --id "$id" --customer 'Globex GmbH' --product acme/router --key TEST-license.key --out "$id.json" "$@"
}
issue lic_1 --plan enterprise --starts 2026-01-01 --expires 2126-01-01 --grace-validation 72h --feature sso \
    --limit tokens=quota:1000,refund --limit objects=gauge:5,per=tenant --limit plain=quota:10
issue lic_2 --starts 2026-01-01 --expires 2126-01-01 --feature sso --feature audit --limit tokens=quota:5000
issue lic_old --starts 2020-01-01 --expires 2021-01-01 --feature sso
issue lic_later --starts 2125-01-01 --expires never --feature sso
placet license new --id lic_1 --customer 'Globex GmbH' --product acme/other --expires never --key TEST-license.key --out other-product.json
placet license new --id lic_1 --customer 'Globex GmbH' --product acme/router --expires never --key TEST-stranger.key --out stranger.json
sed 's/"payload": "./"payload": "-/' lic_1.json >damaged.json

printf '' >empty
printf 'hello\n' >rubbish
printf '\377\376\000\001' >binary
mkdir folder
