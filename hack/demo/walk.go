package main

// step is one thing that the demo shows: shell commands, which are printed as they stand and run.
type step struct {
	title    string
	why      string
	commands []string
}

// installation is what an administrator does once.
var installation = step{
	title: "Install Grantkeeper",
	why: "The chart brings the kinds, a ServiceAccount and its RBAC for the tenant's namespace. No replica:\n" +
		"there is no node here that could run one.",
	commands: []string{
		`. .dev/env`,
		`kubectl apply -f config/samples/00-namespace.yaml`,
		`helm upgrade --install grantkeeper charts/grantkeeper --hide-notes \
  --namespace grantkeeper-system --create-namespace \
  --set 'namespaces={demo}' --set defaultTenant=demo --set replicaCount=0`,
	},
}

// operation starts the operator. The daemon itself is the program's to start.
var operation = step{
	title: "Start the operator",
	why: "It runs beside the control plane with a token of the chart's ServiceAccount, so that RBAC binds it as in\n" +
		"a cluster. Its floors are lowered: nobody wants to watch a token for ten minutes.",
	commands: []string{
		`OPERATOR_TOKEN=$(kubectl create token grantkeeper -n grantkeeper-system --duration=720h)`,
	},
}

// application brings the tenant to life.
var application = step{
	title: "Apply a user, an application and grants",
	why:   "Everything is an object of Kubernetes, and whether it works is a condition of it.",
	commands: []string{
		`kubectl apply -f config/samples`,
		`kubectl wait --for=condition=Ready --timeout=60s au,ac,rtg --all -n demo`,
		`kubectl get au,ac,rtg -n demo`,
	},
}

// mainJob is what the operator is for.
var mainJob = []step{
	{
		title: "Read the token that a workload mounts",
		why:   "The grant's Secret holds an access token that is always fresh, and all that is needed to use it.",
		commands: []string{
			`kubectl get secret billing-token -n demo -o go-template='{{range $key, $_ := .data}}{{println $key}}{{end}}'`,
			`TOKEN=$(kubectl get secret billing-token -n demo -o jsonpath='{.data.token}' | base64 -d)`,
			`demo claims "$TOKEN"`,
		},
	},
	{
		title: "Check the token offline",
		why: "A service needs the public keys once and asks nobody afterwards. `demo verify` checks the signature,\n" +
			"the issuer and the expiry with github.com/lestrrat-go/jwx, a library that has no part in issuing.",
		commands: []string{
			`kubectl get secret billing-token -n demo -o jsonpath='{.data.ca\.crt}' | base64 -d >"$GRANTKEEPER_CA"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -o .dev/jwks.json "$GRANTKEEPER_URL/jwks"`,
			`demo verify .dev/jwks.json "$GRANTKEEPER_URL" "$TOKEN"`,
		},
	},
	{
		title: "Watch a token being replaced",
		why: "The tokens of this grant live two minutes and are replaced after less than 30 seconds. The old one is\n" +
			"good until it expires, so nobody who holds it is cut off.",
		commands: []string{
			`OLD=$(kubectl get secret billing-short-token -n demo -o jsonpath='{.data.token}' | base64 -d)`,
			`REVISION=$(kubectl get secret billing-short-token -n demo \
  -o jsonpath='{.metadata.annotations.auth\.grantkeeper\.dev/revision}')`,
			`kubectl wait --for=jsonpath='{.status.revision}'="$((REVISION + 1))" --timeout=90s rtg/billing-short -n demo`,
			`NEW=$(kubectl get secret billing-short-token -n demo -o jsonpath='{.data.token}' | base64 -d)`,
			`echo "$NEW" | grep -vFx "$OLD"`,
			`demo verify .dev/jwks.json "$GRANTKEEPER_URL" "$NEW"`,
			`demo verify .dev/jwks.json "$GRANTKEEPER_URL" "$OLD"`,
		},
	},
	{
		title: "Delete a Secret",
		why:   "It comes back with the same token: a token is derived, not drawn, and never issued twice.",
		commands: []string{
			`echo "$TOKEN"`,
			`kubectl delete secret billing-token -n demo`,
			`kubectl wait --for=create --timeout=30s secret/billing-token -n demo`,
			`AGAIN=$(kubectl get secret billing-token -n demo -o jsonpath='{.data.token}' | base64 -d)`,
			`echo "$AGAIN" | grep -Fx "$TOKEN"`,
		},
	},
	{
		title: "Log in with a password, as a wazo client does",
		why:   "The answer is wazo-auth's. A HEAD validates a token: 204 says that it is good for the scope.",
		commands: []string{
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$DEMO_USER:$DEMO_PASSWORD" \
  -H 'Content-Type: application/json' -d '{"expiration": 3600}' \
  "$GRANTKEEPER_URL/api/auth/0.1/token" | tee .dev/login.json`,
			`TOKEN=$(demo field .dev/login.json data.token)`,
			`curl -sS --cacert "$GRANTKEEPER_CA" --head \
  "$GRANTKEEPER_URL/api/auth/0.1/token/$TOKEN?scope=confd.users.read" | grep '^HTTP.* 204'`,
		},
	},
	{
		title: "Log in offline, and refresh",
		why:   "An application keeps the refresh token instead of the password. It is derived too: nothing stores it.",
		commands: []string{
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$DEMO_USER:$DEMO_PASSWORD" \
  -H 'Content-Type: application/json' -d "{\"client_id\": \"$DEMO_WAZO_CLIENT_ID\", \"access_type\": \"offline\"}" \
  "$GRANTKEEPER_URL/api/auth/0.1/token" -o .dev/offline.json`,
			`REFRESH_TOKEN=$(demo field .dev/offline.json data.refresh_token)`,
			`echo "$REFRESH_TOKEN"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -H 'Content-Type: application/json' \
  -d "{\"client_id\": \"$DEMO_WAZO_CLIENT_ID\", \"refresh_token\": \"$REFRESH_TOKEN\"}" \
  "$GRANTKEEPER_URL/api/auth/0.1/token" -o .dev/refresh.json`,
			`FRESH=$(demo field .dev/refresh.json data.token)`,
			`curl -sS --cacert "$GRANTKEEPER_CA" --head "$GRANTKEEPER_URL/api/auth/0.1/token/$FRESH" | grep '^HTTP.* 204'`,
		},
	},
	{
		title: "End the refresh token",
		why: "It opens no API itself: whoever sends it as an X-Auth-Token gets 401. Ended, it makes no tokens any more, and\n" +
			"those that it has made are gone.",
		commands: []string{
			`curl -sS --cacert "$GRANTKEEPER_CA" -o .dev/refused.json -w '%{http_code}\n' \
  -H "X-Auth-Token: $REFRESH_TOKEN" "$GRANTKEEPER_URL/api/auth/0.1/users/me/tokens" | grep 401`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -H "X-Auth-Token: $FRESH" "$GRANTKEEPER_URL/api/auth/0.1/users/me/tokens"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -X DELETE -H "X-Auth-Token: $FRESH" -w '%{http_code}\n' \
  "$GRANTKEEPER_URL/api/auth/0.1/users/me/tokens/$DEMO_WAZO_CLIENT_ID" | grep 204`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -H 'Content-Type: application/json' \
  -d "{\"client_id\": \"$DEMO_WAZO_CLIENT_ID\", \"refresh_token\": \"$REFRESH_TOKEN\"}" \
  "$GRANTKEEPER_URL/api/auth/0.1/token" | grep 'Authentication Failed'`,
			`curl -sS --cacert "$GRANTKEEPER_CA" --head "$GRANTKEEPER_URL/api/auth/0.1/token/$FRESH" | grep '^HTTP.* 404'`,
		},
	},
	{
		title: "Get tokens over OAuth 2.0, as WSO2's Token API has it",
		why:   "Consumer key and consumer secret are in the Secret that the operator has made for the AuthClient.",
		commands: []string{
			`CONSUMER_KEY=$(kubectl get secret billing-client -n demo -o jsonpath='{.data.client_id}' | base64 -d)`,
			`CONSUMER_SECRET=$(kubectl get secret billing-client -n demo -o jsonpath='{.data.client_secret}' | base64 -d)`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "grant_type=password&username=$DEMO_USER&password=$DEMO_PASSWORD&scope=PRODUCTION" \
  "$GRANTKEEPER_URL/token" | tee .dev/password.json`,
			`REFRESH_TOKEN=$(demo field .dev/password.json refresh_token)`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "grant_type=refresh_token&refresh_token=$REFRESH_TOKEN&scope=PRODUCTION" \
  "$GRANTKEEPER_URL/token" | tee .dev/refreshed.json`,
			`ACCESS_TOKEN=$(demo field .dev/refreshed.json access_token)`,
			`demo verify .dev/jwks.json "$GRANTKEEPER_URL" "$ACCESS_TOKEN"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "grant_type=client_credentials&scope=PRODUCTION" \
  "$GRANTKEEPER_URL/token" | tee .dev/client.json`,
			`ACCESS_TOKEN=$(demo field .dev/client.json access_token)`,
			`demo verify .dev/jwks.json "$GRANTKEEPER_URL" "$ACCESS_TOKEN"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "token=$ACCESS_TOKEN" "$GRANTKEEPER_URL/introspect" | grep '"active":true'`,
		},
	},
	{
		title: "Revoke tokens",
		why:   "The endpoint refuses them from now on: the one is not active any more, the other is not found.",
		commands: []string{
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "token=$ACCESS_TOKEN" "$GRANTKEEPER_URL/revoke"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -u "$CONSUMER_KEY:$CONSUMER_SECRET" \
  -d "token=$ACCESS_TOKEN" "$GRANTKEEPER_URL/introspect" | grep '"active":false'`,
			`curl -sS --cacert "$GRANTKEEPER_CA" -X DELETE "$GRANTKEEPER_URL/api/auth/0.1/token/$TOKEN"`,
			`curl -sS --cacert "$GRANTKEEPER_CA" --head "$GRANTKEEPER_URL/api/auth/0.1/token/$TOKEN" | grep '^HTTP.* 404'`,
		},
	},
}
