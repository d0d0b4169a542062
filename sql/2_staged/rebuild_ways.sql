-- grain: one row per target and kind of thing that is made again by hand there
-- key: target, kind
-- Advice for people, and the only place in this layer that names targets: what is staged does not
-- depend on them. For a kind or a target that is not named here, the document's own
-- recommended_target is the advice. A file of this name in a folder of one's own models takes its
-- place.
-- column target: the helpdesk in which it is made again
-- column kind: as in `documents`; also `agent`, `article` and `team`
-- column way: how to make it again there, in words
with

ways as (
    select target, kind, way
    from (
        values
            ('crisp', 'agent',
                'Invite them as operators of the workspace, with the same e-mail addresses'),
            ('crisp', 'automation',
                'Make it a trigger or a scenario of the bot in the app; no API makes either. '
                || 'Switch it on after the load'),
            ('crisp', 'blocked_visitor', 'Block the visitor again, if it still matters'),
            ('crisp', 'brand',
                'Make a workspace for each brand, or a sub-inbox if they share people'),
            ('crisp', 'campaign', 'Make a campaign, if it shall go on'),
            ('crisp', 'channel',
                'Set the chat box and the e-mail domain up in the settings of the workspace, '
                || 'on the day of the change'),
            ('crisp', 'custom_object_attributes',
                'Keep what agents look at as data of the contact or the conversation'),
            ('crisp', 'custom_object_record',
                'Show them from the system that owns them, with a plugin beside the conversation'),
            ('crisp', 'custom_object_schema',
                'Leave the objects in the system that owns them and show them with a plugin, or '
                || 'keep their few important values as data of the contact'),
            ('crisp', 'help_center_redirection',
                'Add a redirection from the old path in the settings of the help center'),
            ('crisp', 'inbox', 'Make a sub-inbox with the same conditions'),
            ('crisp', 'macro',
                'Make a shortcut with the same text in the app; no API makes them. Replace the '
                || 'placeholders by those of Crisp'),
            ('crisp', 'queue',
                'Make a sub-inbox with conditions, and a rule that assigns its conversations'),
            ('crisp', 'sla',
                'The API knows no service levels; remind with a scenario of the bot'),
            ('crisp', 'sub_status',
                'Use a segment of the conversation; the states are unresolved, pending and '
                || 'resolved'),
            ('crisp', 'survey',
                'Switch the rating of conversations on, after the load; questions of one''s own '
                || 'are not in the API'),
            ('crisp', 'team', 'Make a team of the same operators'),
            ('crisp', 'view', 'Make a sub-inbox or a filter with the same conditions'),
            ('crisp', 'webhook',
                'Let whoever calls today call the API with a token of its own, or make a web hook '
                || 'for what goes out'),
            ('gorgias', 'agent',
                'Make them users with the same e-mail addresses; each may take a seat'),
            ('gorgias', 'article',
                'Make an article of the help center with the same text, after its pictures; those '
                || 'for the team only stay inside'),
            ('gorgias', 'automation',
                'Make a rule with the same event, conditions and actions. Switch it on after the '
                || 'load'),
            ('gorgias', 'blocked_visitor', 'Make a rule that marks as spam, if it still matters'),
            ('gorgias', 'brand', 'Make an integration for each address, and a view for each brand'),
            ('gorgias', 'campaign', 'Make a campaign, if it shall go on'),
            ('gorgias', 'channel',
                'Connect the channel as an integration, on the day of the change'),
            ('gorgias', 'custom_object_attributes',
                'Make fields of the ticket or the customer for what agents look at'),
            ('gorgias', 'custom_object_record',
                'Show them from the system that owns them, with an HTTP integration'),
            ('gorgias', 'custom_object_schema',
                'Leave the objects in the system that owns them and show them with an HTTP '
                || 'integration'),
            ('gorgias', 'inbox', 'Make a view with the same conditions'),
            ('gorgias', 'macro',
                'Make a macro with the same text and actions; replace the placeholders by those '
                || 'of Gorgias'),
            ('gorgias', 'queue', 'Make a team and a rule that assigns to it, with a view'),
            ('gorgias', 'sla', 'Make a rule that raises the priority or tags what waits too long'),
            ('gorgias', 'sub_status', 'Use a tag; the states are open and closed'),
            ('gorgias', 'survey',
                'Switch the satisfaction survey on, after the load: closing imported tickets '
                || 'could send it'),
            ('gorgias', 'team', 'Make a team of the same users'),
            ('gorgias', 'view', 'Make a view with the same conditions'),
            ('gorgias', 'webhook', 'Make an HTTP integration, or let whoever calls use the API')
    ) as named (target, kind, way)
),

final as (
    select
        target,
        kind,
        way
    from ways
)

select * from final order by target, kind
