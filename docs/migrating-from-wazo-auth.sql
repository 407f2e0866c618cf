-- Prints the users of one tenant of wazo-auth as a Kubernetes List: an AuthUser each and, where there
-- is a password, a Secret that holds its hash. It reads and changes nothing.
--
--   psql --no-psqlrc -At -v tenant=UUID -f migrating-from-wazo-auth.sql wazo_auth
--
-- For the tables of wazo-auth 25.14, whose PBKDF2-HMAC-SHA512 has 250,000 iterations.

WITH policies AS (
    SELECT user_uuid, policy_uuid FROM auth_user_policy
    UNION
    SELECT member.user_uuid, of_group.policy_uuid
    FROM auth_user_group member JOIN auth_group_policy of_group USING (group_uuid)
), acl AS (
    SELECT user_uuid, json_agg(DISTINCT access ORDER BY access) AS patterns
    FROM policies JOIN auth_policy_access USING (policy_uuid) JOIN auth_access ON auth_access.id = access_id
    GROUP BY user_uuid
), emails AS (
    SELECT user_uuid, json_agg(json_build_object(
        'address', address, 'main', main, 'verified', confirmed) ORDER BY address) AS addresses
    FROM auth_email GROUP BY user_uuid
), users AS (
    SELECT u.*, addresses, patterns,
        -- The object is called as the user is, where Kubernetes knows such names.
        CASE WHEN username ~ '^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$' THEN username ELSE 'user-' || uuid END AS object
    FROM auth_user u LEFT JOIN emails ON emails.user_uuid = uuid LEFT JOIN acl ON acl.user_uuid = uuid
    WHERE tenant_uuid = :'tenant'
), objects AS (
    SELECT object, json_build_object(
        'apiVersion', 'auth.grantkeeper.dev/v1alpha1', 'kind', 'AuthUser',
        'metadata', json_build_object('name', object),
        'spec', json_strip_nulls(json_build_object(
            'subject', uuid,
            'username', nullif(username, object),
            'emails', addresses,
            'firstName', nullif(firstname, ''),
            'lastName', nullif(lastname, ''),
            'purpose', CASE purpose WHEN 'internal' THEN 'Internal' WHEN 'external_api' THEN 'ExternalAPI' ELSE 'User' END,
            'state', CASE WHEN enabled THEN 'Enabled' ELSE 'Disabled' END,
            'password', CASE WHEN password_hash IS NOT NULL THEN json_build_object(
                'hashSecretRef', json_build_object('name', object || '-password', 'key', 'hash')) END,
            'scopes', patterns))) AS manifest
    FROM users
    UNION ALL
    SELECT object, json_build_object(
        'apiVersion', 'v1', 'kind', 'Secret',
        'metadata', json_build_object('name', object || '-password',
            'labels', json_build_object('auth.grantkeeper.dev/credential', 'input')),
        'stringData', json_build_object('hash',
            '$wazo-auth$250000$' || encode(password_salt, 'hex') || '$' || password_hash))
    FROM users WHERE password_hash IS NOT NULL
)
SELECT json_build_object('apiVersion', 'v1', 'kind', 'List', 'items', coalesce(json_agg(manifest ORDER BY object), '[]'))
FROM objects;
