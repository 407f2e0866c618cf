# Makes of what migrating-from-wazo-auth.sql prints users that HTTP owns, if they are created and never
# applied: labelled as the endpoint's, with the password where the endpoint keeps it, under its key and
# marked with the user's subject.
#
#   jq -f migrating-from-wazo-auth.jq users.json >own.json
#   kubectl create -f own.json
(reduce (.items[] | select(.kind == "AuthUser")) as $user ({}; .["\($user.metadata.name)-password"] = $user.spec.subject)) as $of
| .items[] |= (.metadata.labels["app.kubernetes.io/managed-by"] = "grantkeeper"
  | if .kind == "Secret" then
      .metadata.annotations["auth.grantkeeper.dev/password-of"] = $of[.metadata.name]
      | .stringData = {password: .stringData.hash}
    elif .spec.password then .spec.password.hashSecretRef.key = "password"
    else . end)
