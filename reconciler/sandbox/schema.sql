-- The rules of the stand-in Coder that Coder's own database keeps: its constraints and triggers, and no others.
-- A handler, a test or a fault in the middle of a request can write what Coder's database can hold, and nothing else.
-- Ids are UUID text, times are RFC 3339 text in UTC with six decimals (so they sort), money is micro-dollars,
-- booleans are 0 and 1.

CREATE TABLE deployment (
    id              TEXT NOT NULL PRIMARY KEY
) STRICT;

-- People ------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id                  TEXT    NOT NULL PRIMARY KEY,
    username            TEXT    NOT NULL CHECK (length(username) BETWEEN 1 AND 32),
    name                TEXT    NOT NULL DEFAULT '',
    email               TEXT    NOT NULL DEFAULT '',
    password_hash       TEXT    NOT NULL DEFAULT '',
    status              TEXT    NOT NULL DEFAULT 'dormant' CHECK (status IN ('active', 'dormant', 'suspended')),
    login_type          TEXT    NOT NULL DEFAULT 'password'
                                CHECK (login_type IN ('password', 'github', 'oidc', 'token', 'none')),
    roles               TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(roles) = 'array'),
    is_service_account  INTEGER NOT NULL DEFAULT 0 CHECK (is_service_account IN (0, 1)),
    is_system           INTEGER NOT NULL DEFAULT 0 CHECK (is_system IN (0, 1)),
    deleted             INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL,
    last_seen_at        TEXT    NOT NULL DEFAULT '0001-01-01T00:00:00.000000Z'
) STRICT;

-- Deleted people free their name and address.
CREATE UNIQUE INDEX users_by_username ON users (lower(username)) WHERE NOT deleted;
CREATE UNIQUE INDEX users_by_email    ON users (lower(email))    WHERE NOT deleted AND email <> '';
CREATE        INDEX users_of_system   ON users (id)              WHERE is_system;

CREATE TABLE api_keys (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 10),
    secret          TEXT    NOT NULL CHECK (length(secret) = 22),
    user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_name      TEXT    NOT NULL DEFAULT '',
    scopes          TEXT    NOT NULL DEFAULT '["coder:all"]' CHECK (json_type(scopes) = 'array'),
    expires_at      TEXT    NOT NULL,
    created_at      TEXT    NOT NULL
) STRICT;

CREATE UNIQUE INDEX api_keys_by_name ON api_keys (user_id, token_name) WHERE token_name <> '';

-- Organizations and groups --------------------------------------------------------------------------------

CREATE TABLE organizations (
    id                  TEXT    NOT NULL PRIMARY KEY,
    name                TEXT    NOT NULL,
    display_name        TEXT    NOT NULL DEFAULT '',
    description         TEXT    NOT NULL DEFAULT '',
    icon                TEXT    NOT NULL DEFAULT '',
    is_default          INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
    -- Who sees what inside: 'everyone' lets members read every group, 'none' hides the other members as well.
    workspace_sharing   TEXT    NOT NULL DEFAULT 'everyone'
                                CHECK (workspace_sharing IN ('everyone', 'service_accounts', 'none')),
    -- A deleted organization keeps its Everyone, that group's budget, its last member, and overrides on it.
    deleted             INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    default_org_member_roles TEXT NOT NULL DEFAULT '["organization-workspace-access"]'
                                CHECK (json_type(default_org_member_roles) = 'array'),
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL
) STRICT;

-- Which claims of the identity provider become what; those of the deployment have no organization.
CREATE TABLE idp_sync_settings (
    kind            TEXT NOT NULL CHECK (kind IN ('groups', 'roles', 'organizations')),
    organization_id TEXT NOT NULL,
    settings        TEXT NOT NULL CHECK (json_valid(settings)),
    PRIMARY KEY (kind, organization_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX organizations_by_name   ON organizations (lower(name)) WHERE NOT deleted;
CREATE UNIQUE INDEX organizations_default   ON organizations (is_default) WHERE is_default;

CREATE TABLE organization_members (
    user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    roles           TEXT NOT NULL DEFAULT '[]' CHECK (json_type(roles) = 'array'),
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (user_id, organization_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX organization_members_by_organization ON organization_members (organization_id);

CREATE TABLE groups (
    id              TEXT    NOT NULL PRIMARY KEY,
    organization_id TEXT    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    display_name    TEXT    NOT NULL DEFAULT '',
    avatar_url      TEXT    NOT NULL DEFAULT '',
    quota_allowance INTEGER NOT NULL DEFAULT 0,
    source          TEXT    NOT NULL DEFAULT 'user' CHECK (source IN ('user', 'oidc')),
    -- Everyone is the one group that shares its id with the organization.
    CHECK ((id = organization_id) = (name = 'Everyone'))
) STRICT;

-- Names are unique by exact spelling, inside an organization only.
CREATE UNIQUE INDEX groups_by_name ON groups (organization_id, name);

CREATE TABLE group_members (
    user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_id        TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_by_group ON group_members (group_id);

CREATE TRIGGER organizations_have_an_everyone_group AFTER INSERT ON organizations BEGIN
    INSERT INTO groups (id, organization_id, name) VALUES (NEW.id, NEW.id, 'Everyone');
END;

CREATE TRIGGER organization_member_user_deleted BEFORE INSERT ON organization_members
WHEN (SELECT deleted FROM users WHERE id = NEW.user_id) BEGIN
    SELECT raise(ABORT, 'organization_member_user_deleted');
END;

CREATE TRIGGER group_memberships_end_with_the_organization_membership AFTER DELETE ON organization_members BEGIN
    DELETE FROM group_members
    WHERE user_id = OLD.user_id
      AND group_id IN (SELECT id FROM groups WHERE organization_id = OLD.organization_id);
END;

-- People are deleted softly: the row stays and answers by id, memberships and keys go.
CREATE TRIGGER memberships_end_with_the_user AFTER UPDATE OF deleted ON users WHEN NEW.deleted BEGIN
    DELETE FROM organization_members WHERE user_id = NEW.id;
    DELETE FROM api_keys WHERE user_id = NEW.id;
END;

-- Who is in which group, Everyone included. Rows of people outside the organization count as members here, too.
CREATE VIEW group_memberships (user_id, group_id) AS
    SELECT user_id, group_id FROM group_members
    UNION ALL
    SELECT user_id, organization_id FROM organization_members;

-- Budgets -------------------------------------------------------------------------------------------------

-- No row: no budget. 0: every request is blocked. A maximum is the business of the handlers, and of newer
-- servers only, so that a database may hold more than its server would accept today.
CREATE TABLE group_ai_budgets (
    group_id            TEXT    NOT NULL PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    spend_limit_micros  INTEGER NOT NULL CHECK (spend_limit_micros >= 0),
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL
) STRICT;

-- One override per person; group_id is the group to which the spend is booked.
CREATE TABLE user_ai_budget_overrides (
    user_id             TEXT    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    group_id            TEXT    NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    spend_limit_micros  INTEGER NOT NULL CHECK (spend_limit_micros >= 0),
    created_at          TEXT    NOT NULL,
    updated_at          TEXT    NOT NULL
) STRICT;

CREATE INDEX user_ai_budget_overrides_by_group ON user_ai_budget_overrides (group_id);

-- The membership rule, on insert and on update. It is checked only here, so an override can outlive its membership:
-- when both are written at the same moment by two transactions, the override stays, and counts ...
CREATE TRIGGER user_ai_budget_overrides_must_be_group_member_on_insert
BEFORE INSERT ON user_ai_budget_overrides
WHEN NOT EXISTS (SELECT 1 FROM group_memberships WHERE user_id = NEW.user_id AND group_id = NEW.group_id) BEGIN
    SELECT raise(ABORT, 'user_ai_budget_overrides_must_be_group_member');
END;

CREATE TRIGGER user_ai_budget_overrides_must_be_group_member_on_update
BEFORE UPDATE ON user_ai_budget_overrides
WHEN NOT EXISTS (SELECT 1 FROM group_memberships WHERE user_id = NEW.user_id AND group_id = NEW.group_id) BEGIN
    SELECT raise(ABORT, 'user_ai_budget_overrides_must_be_group_member');
END;

-- ... and its two removal paths: removing a membership removes the override on it. Nothing is audited.
CREATE TRIGGER overrides_vanish_with_the_group_membership BEFORE DELETE ON group_members BEGIN
    DELETE FROM user_ai_budget_overrides WHERE user_id = OLD.user_id AND group_id = OLD.group_id;
END;

CREATE TRIGGER overrides_vanish_with_the_organization_membership BEFORE DELETE ON organization_members BEGIN
    DELETE FROM user_ai_budget_overrides WHERE user_id = OLD.user_id AND group_id = OLD.organization_id;
END;

-- Spend is booked per person, the group that was effective at the time, and UTC day; it never moves. No foreign
-- keys: rows outlive group and user. A model without a price costs 0; its requests are counted as unpriced.
CREATE TABLE ai_daily_spend (
    user_id             TEXT    NOT NULL,
    group_id            TEXT    NOT NULL,
    day                 TEXT    NOT NULL CHECK (day = date(day)),
    provider            TEXT    NOT NULL DEFAULT 'anthropic',
    provider_name       TEXT    NOT NULL DEFAULT 'Anthropic',
    model               TEXT    NOT NULL DEFAULT 'claude-sonnet-4-5',
    input_tokens        INTEGER NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    output_tokens       INTEGER NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    cache_read_tokens   INTEGER NOT NULL DEFAULT 0 CHECK (cache_read_tokens >= 0),
    cache_write_tokens  INTEGER NOT NULL DEFAULT 0 CHECK (cache_write_tokens >= 0),
    cost_micros         INTEGER NOT NULL CHECK (cost_micros >= 0),
    unpriced_usage_count INTEGER NOT NULL DEFAULT 0 CHECK (unpriced_usage_count >= 0),
    client              TEXT    NOT NULL DEFAULT 'claude-code',
    PRIMARY KEY (group_id, user_id, day, provider, model, client)
) STRICT, WITHOUT ROWID;

CREATE INDEX ai_daily_spend_by_user ON ai_daily_spend (user_id);

-- Micro-dollars for a million tokens; NULL is unknown, 0 is free. Not retroactive, and not in the audit log.
CREATE TABLE ai_model_prices (
    provider            TEXT NOT NULL,
    model               TEXT NOT NULL,
    source              TEXT NOT NULL CHECK (source IN ('default', 'custom')),
    input_price         INTEGER CHECK (input_price >= 0),
    output_price        INTEGER CHECK (output_price >= 0),
    cache_read_price    INTEGER CHECK (cache_read_price >= 0),
    cache_write_price   INTEGER CHECK (cache_write_price >= 0),
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    PRIMARY KEY (provider, model, source)
) STRICT, WITHOUT ROWID;

-- Shares of Agent Hours in hundredths of a percent; a second kind of limit, not enforced yet. An organization has a
-- share of the deployment's hours, a group one of its organization's.
CREATE TABLE agent_hours_organization_allotments (
    organization_id TEXT    NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    allotment_bps   INTEGER NOT NULL CHECK (allotment_bps BETWEEN 1 AND 10000),
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL
) STRICT;

CREATE TABLE agent_hours_group_allotments (
    group_id        TEXT    NOT NULL PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    allotment_bps   INTEGER NOT NULL CHECK (allotment_bps BETWEEN 1 AND 10000),
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL
) STRICT;

-- Who crossed which share of their limit first in a period: Coder then notifies the person and all Owners and User
-- Admins. A limit of $0 and unpriced use cross nothing.
CREATE TABLE ai_budget_crossings (
    user_id         TEXT    NOT NULL,
    period_start    TEXT    NOT NULL,
    percent         INTEGER NOT NULL CHECK (percent IN (85, 100)),
    day             TEXT    NOT NULL,
    PRIMARY KEY (user_id, period_start, percent)
) STRICT, WITHOUT ROWID;

-- What happened -------------------------------------------------------------------------------------------

-- No foreign keys: an entry outlives its user, group and organization. Failed requests have a status_code from 400 on.
CREATE TABLE audit_logs (
    id              TEXT    NOT NULL PRIMARY KEY,
    time            TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    organization_id TEXT    NOT NULL,
    ip              TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    request_id      TEXT    NOT NULL,
    resource_type   TEXT    NOT NULL CHECK (resource_type IN (
        'group_ai_budget', 'user_ai_budget_override', 'group', 'organization_member', 'user'
    )),
    resource_id     TEXT    NOT NULL,
    resource_target TEXT    NOT NULL,
    action          TEXT    NOT NULL CHECK (action IN ('create', 'write', 'delete')),
    diff            TEXT    NOT NULL CHECK (json_type(diff) = 'object'),
    status_code     INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_logs_by_time ON audit_logs (time);

CREATE TABLE ai_sessions (
    id              TEXT NOT NULL PRIMARY KEY,
    initiator_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client          TEXT DEFAULT 'claude-code',
    started_at      TEXT NOT NULL,
    ended_at        TEXT,
    -- NULL: no Agent Firewall watched it.
    network_total   INTEGER,
    network_blocked INTEGER
) STRICT;

-- One row an interception: a request to a provider and what came of it. A thread is an interception with a prompt.
CREATE TABLE ai_session_threads (
    id                  TEXT    NOT NULL PRIMARY KEY,
    session_id          TEXT    NOT NULL REFERENCES ai_sessions (id) ON DELETE CASCADE,
    provider            TEXT    NOT NULL,
    provider_name       TEXT    NOT NULL,
    model               TEXT    NOT NULL,
    prompt              TEXT    NOT NULL DEFAULT '',
    tools               TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(tools) = 'array'),
    input_tokens        INTEGER NOT NULL DEFAULT 0,
    output_tokens       INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens   INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens  INTEGER NOT NULL DEFAULT 0,
    started_at          TEXT    NOT NULL,
    ended_at            TEXT
) STRICT;

CREATE INDEX ai_session_threads_by_session ON ai_session_threads (session_id);
