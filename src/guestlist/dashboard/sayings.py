"""The sentences in which the parts beneath say what they do and find: reasons, remedies, summaries.

They are made there, in English; `said` recognises them on a page and says them in its language. Values are `{name}`;
`{day}` is a day as `2026-01-31` and `{count}` a number.
"""

from __future__ import annotations

SAYINGS = (
    # Why a grant is as it is: domain/plan.py, domain/ending.py, domain/staff.py, domain/terms.py, domain/periods.py
    "{what} bought on {day}",
    "{what} begun on {day}",
    "{what} paid again on {day} (invoice {invoice})",
    "access for {length} from the payment",
    "access for ever, as the rule says",
    "access until the first payment is due on {day}",
    "access until the first payment is due on {day} and {count} days of grace",
    "access until the next payment is due on {day}",
    "access until the next payment is due on {day} and {count} days of grace",
    "the cart did not say when the next payment is due, so the level's own term counts ({terms})",
    (
        "the cart did not say when the next payment is due, so the level's own term counts ({terms}) and {count} "
        "days of grace"
    ),
    "the cart did not say when the next payment is due, so {period} is assumed",
    "the cart did not say when the next payment is due, so {period} is assumed and {count} days of grace",
    "the last payment is made, so access stays for ever",
    "the last payment is made; access until the end of the period it paid, {day}",
    "access by the level's own terms ({terms})",
    "waiting for the site's levels to be read",
    "the level's terms are not known yet",
    "the payment was refused on {day}, and access stays open until it is made",
    "the payment was refused on {day}, so access is suspended until a payment succeeds",
    "the payment was refused on {day}",
    "cancelled on {day}",
    "paused on {day}",
    "refunded in full on {day}",
    "refunded in part on {day}",
    "{what}, which changes nothing here",
    "{what}, so access ended",
    "{what}, so access ends on {day}",
    "{what}, so access ends with the period, {day}",
    "{what}, so access is suspended until it is resumed",
    "what was paid once stays",
    "given by hand on {day} by {who} ({why})",
    "extended by hand on {day} by {who} ({why})",
    "on hold since {day}, by {who} ({why})",
    "revoked on {day}, by {who} ({why})",
    "access for ever",
    "access until {day}",
    "{period} from the purchase",
    "for ever",
    "until {day}",
    "1 day",
    "{count} days",
    "1 week",
    "{count} weeks",
    "1 month",
    "{count} months",
    "1 year",
    "{count} years",
    "no longer part of what was bought",
    # Why a member waits or needs attention: access/
    "waiting until the site works again",
    "an error in Guestlist while talking to the site; its log has the details",
    "Guestlist tried for five days. See to the cause and try again.",
    "The site {site} has no published level {level}, or its price and expiry cannot be read.",
    (
        "Publish the level at the site (if it is there, save it there again), or choose another one in the rule; "
        "then replay the delivery."
    ),
    (
        "The customer has the address {email} at the cart {cart} now. Guestlist did not make this member, so it "
        "leaves the member's address as it is; change it at the site if it shall follow."
    ),
    (
        "The customer has the address {email} at the cart {cart} now, but the site has a member of its own with "
        "it, who bought separately. The two stay apart, and this one keeps {former}."
    ),
    (
        "The customer has the address {email} at the cart {cart} now, which another member of the site has, and "
        "staff changed this one by hand. Give the access to the other one by hand."
    ),
    "It was never made at the site: the customer has the address {email} now, and has it all.",
    (
        "Several customers share this member, and they have different addresses now: {known}. The member's "
        "address stays as it is until they agree; change it at the site if it shall be another."
    ),
    (
        "Nothing has to be done in Guestlist: it goes on asking, and gives the waiting members what they bought "
        "as soon as the site answers. Should it last, ask the site's host."
    ),
    "The site is disconnected.",
    "The site {site} is disconnected.",
    "{count} more is over",
    "{count} more are over",
    "{count} more ended",
    "none any more",
    "for ever, because of {count} live grant",
    "for ever, because of {count} live grants",
    "until {day}, because of {count} live grant",
    "until {day}, because of {count} live grants",
    "not known yet, because the site's levels were never read",
    "over; the last day was {day}",
    # What staff cannot do: access/staff.py, access/staff_refusals.py
    "Look for a slip of the keys.",
    "Nobody with the address {email} is known.",
    "Use the site's own way.",
    "{platform} cannot be asked for that mail.",
    "{email} is not yet a member at the site {site}.",
    "`guestlist members show` says what the site waits for; a new member is sent the mail by itself.",
    "The sites are: {listed}.",
    'There is no site "{site}".',
    "Connect it again in the settings first.",
    "Nothing says why.",
    "Say why, in words: whoever asks later will read it.",
    "Say it shorter.",
    "This is longer than {count} characters.",
    "No level is named.",
    "Name today (UTC) or a later day.",
    "{day} is in the past.",
    "The site {site} has no published level {level} that can be read.",
    "{address} is no address that a site takes: {error}",
    "A site takes no address with such letters as in {address}.",
    "Write it as {address}.",
    "How long {email} has level {level} is not known yet: the site's levels are not read.",
    "Try again once they are; `guestlist status` shows it.",
    "none yet",
    "There is nothing to extend.",
    "{email} has level {level} for ever.",
    "Grant it instead of extending it.",
    "{email} does not have level {level} now.",
    "{email} does not have level {level} now; the last day was {day}.",
    "Name a later day.",
    "{email} has level {level} until {day} already.",
    "There is nothing to revoke: no grant of Guestlist's gives {email} {what} at {site}.",
    "`guestlist members show` says what there was. To keep out what may be bought later, hold it.",
    "all levels",
    "every level",
    "a level",
    "level {level}",
    "{email} at {site}: {scope} is {held}.",
    "There is nothing more to hold; release it to give access again.",
    "Release all levels (name none); then hold or revoke those that stay denied.",
    "There is nothing to release: {what} of {email} at {site}: neither held nor revoked.",
    "`guestlist members show` says how things stand.",
    "They are known at: {known}.",
    "{email} is not known at the site {site}.",
    "The site's levels are: {listed}.",
    "The site's levels were not read yet; see the site.",
    # The nightly check: access/reconcile/
    "{email}, {level} ({what})",
    "order {order}, {item}",
    "given by hand",
    "given by {who}",
    "{named}: somebody deleted transaction {number} at the site; it should give access {until}.",
    "It is made again.",
    "{named}: the member {member} does not exist at the site any more; access should last {until}.",
    "The member is made again, with all access, and the site mails them a link to set a password.",
    "{named}: somebody gave transaction {number} to member {member} ({email}).",
    "It is ended there and made for the right member.",
    "{named}: somebody moved transaction {number} to level {level}.",
    "It is ended there and made for the right level.",
    "{email}, {level} ({what}): the site has it twice; transaction {number} is one too many.",
    "Transaction {number} is ended.",
    "member {member}",
    (
        "{who}, level {level}: transaction {number} ({ref}) has Guestlist's mark, but this Guestlist does not "
        "know it. It gives access {until}. It comes from a restored backup, or from another Guestlist that "
        "serves this site too."
    ),
    "It is ended. If another Guestlist serves this site, do not mend it.",
    (
        "{email}, {level} ({what}): it should be ended, but somebody set transaction {number} to {status} at the "
        "site, {until}."
    ),
    "It is ended again.",
    "{named}: somebody set transaction {number} to {status} at the site; it should give access {until}.",
    "It gives access again. If it shall stay ended, revoke the access in Guestlist instead.",
    "{named}: somebody changed the last day of transaction {number}: it gives access {until} and should {wanted}.",
    "It gives access {until} again.",
    "Somebody works on the member at this moment; look again later.",
    "The site shows the same page of its transactions again and again.",
    "A plugin there breaks the lists of the MemberPress REST API: switch plugins off one by one to find it.",
    "Somebody else goes on with the reconciliation of the site {site}.",
    "The site {site} is being reconciled already; `guestlist status` shows when that is done.",
    "It goes on from here by itself as soon as the site works, or with `guestlist reconcile`.",
    # Why an order gives nothing: connections/modes.py, inbox/interpret.py
    "it is a test order, and the cart fulfils {which}",
    "it is a live order, and the cart fulfils {which}",
    "the event does not say whether the order is live or a test, and the cart fulfils {which}",
    "live and test orders",
    "live orders only",
    "test orders only",
    "1 new fact",
    "{count} new facts",
    "nothing new",
    "nothing is granted until a delivery names the customer's e-mail address",
    "recorded but not fulfilled: {why}",
    "Guestlist failed while working on it: {error}",
    "Nothing is lost. Report this; replay the delivery after an update.",
    # What a delivery lacks: carts/thrivecart/
    "An empty delivery is the cart's test of the address: nothing to do.",
    "it is empty",
    "it is neither a form nor JSON",
    "it begins like JSON and cannot be read as JSON",
    "it begins like JSON and cannot be read as JSON after {count} characters",
    "it is a JSON list and not an object with an event",
    (
        "It may not come from ThriveCart: look at who sent it. If ThriveCart's own page shows this delivery, "
        "report it with this body."
    ),
    "it names no order, so it cannot be tied to a purchase",
    "it names neither an e-mail address nor a customer id",
    "{said} is too long for an e-mail address",
    "{said} is none of product, bump, upsell and downsell",
    "it does not say which item it is about",
    "it does not say how much money it is about",
    "it does not say which {kind} was bought",
    "it names no event",
    "ThriveCart always names one, so it may come from elsewhere: look at who sent it.",
    "It is about an affiliate, not about a purchase.",
    "It names neither an order nor a customer, so it is about nobody's access.",
    "{event} is no event of ThriveCart that changes access.",
    "it names no item that was bought",
    "it does not say which customer was changed",
    "it does not say the customer's new e-mail address",
    "The purchase was declined: nothing was paid and nothing was bought.",
    "Somebody left the checkout without buying.",
    (
        "Nothing was done. Compare with the transaction in ThriveCart; if ThriveCart really sends it like this, "
        "report it with this delivery, and replay it after an update."
    ),
    "{said} is too long for an id",
    "{said} is no whole number of cents",
    # What is wrong with a site: sites/
    "the site's address is not a complete http:// or https:// address",
    "the answer is longer than {count} MB",
    "the site does not accept connections in time",
    "the site did not answer in time",
    "the site's certificate is not valid: {why}",
    "no secure connection to the site: {why}",
    "the site refuses the connection",
    "the site cannot be reached: {why}",
    "the site broke the answer off: {why}",
    'the name "{host}" cannot be found',
    '"{host}" is a private or reserved address ({address})',
    (
        "A stored secret cannot be decrypted: GUESTLIST_SECRET_KEY is not the key it was stored with. Set the "
        "key that was in use before (several may stand side by side, separated by commas), or enter the secrets "
        "again."
    ),
    "The site cannot list {what}: {sentence}",
    "The site answered with something else than a list of {what}.",
    "The site lists more than {count} {what} where few can match.",
    "A plugin at the site breaks the search of the MemberPress REST API: switch plugins off one by one to find it.",
    "The site answered with something unexpected.",
    "The member's address was not changed. {why}",
    "The site had the transaction {ref} more than once; {number} was kept, {ended} ended.",
    '"{level}" is no level of this site.',
    "Choose another level in the rule.",
    "The site refuses the transaction: {sentence}",
    (
        "See to what the site names, then try again. If it names nothing that you know, look whether the level "
        "still exists and update the plugin MemberPress Developer Tools."
    ),
    "The site's answer does not show the new transaction.",
    'The transaction {ref} ({number}) is "{status}" at the site: somebody ended it there.',
    "If it shall give access, `guestlist reconcile --fix` makes it live again; if not, revoke it in Guestlist.",
    (
        "The site keeps the transaction {number} as {status}, ending {ending}, although it was told {wanted}, "
        "ending {later}."
    ),
    "Look for a plugin at the site that changes transactions; correct this one by hand.",
    "Member {member} has the address {found} at the site, not {email}.",
    "The site takes transactions for member {member} but does not show the member with them.",
    "Look at the site whether the member exists; a plugin there may hide it.",
    "The level {level} does not exist at the site any more, or is not published.",
    "Publish the level again at the site, or choose another one in the rule; then try again.",
    "A cache in front of the site answers with old data.",
    "Exclude /wp-json/ (and ?rest_route=) from the page cache, at the host, in the cache plugin or at the CDN.",
    "Application passwords are switched off at the site (401).",
    (
        "Enter the API key instead (MemberPress > Developer > REST API). Or switch them on: WordPress offers "
        "them on https only, and some security plugins switch them off."
    ),
    "Check the site's address: open it in a browser and copy what the address line shows.",
    (
        "Enter the site's public address, beginning with https://. If the site really is in your own network, "
        "allow private addresses for it: tick the box, or set allow_private_address."
    ),
    (
        "Open the site with https:// in a browser; if it warns, ask the host to renew or repair the certificate. "
        "Check also that the address has the right name."
    ),
    "{reason} Either its name service is away, or the address is mistyped.",
    "The site refuses the credentials (401).",
    "The site has no MemberPress REST API (404).",
    "In WordPress, activate the plugins MemberPress and MemberPress Developer Tools.",
    "There is no WordPress REST API at this address (404){shown}.",
    "{check} If it is right, a security plugin may have closed the REST API.",
    "The site asks for fewer requests (429).",
    "The site refuses the request ({status}){shown}.",
    "Look for a security plugin or firewall at the site that blocks Guestlist, and let it through.",
    "The user of the application password may not manage members (403).",
    (
        "Use an administrator's application password, or give the user's role the capability remove_users; or "
        "use the API key."
    ),
    "The site forbids the request (403{code}).",
    (
        "A firewall or a security plugin blocks Guestlist: allow it there, or switch off the protection of the "
        "REST API for signed-in requests."
    ),
    "The site redirects to nowhere ({status}).",
    "The site sends requests on to {path} ({status}).",
    (
        "Switch off the page that hides the site (coming soon, maintenance, login), or let requests to the REST "
        "API through. {check}"
    ),
    "The site redirects to {address} ({status}).",
    "Enter {address} as the site's address.",
    "The site's answer is cut short or damaged.",
    "The site answers with a web page instead of data{shown}.",
    (
        "Check the site's address. If it is right: exclude /wp-json/ from page caches, end a maintenance or "
        "coming-soon page, or choose other permalinks than Plain under Settings > Permalinks."
    ),
    "The site is in maintenance or overloaded (503){shown}.",
    "The site is broken: WordPress crashed (500){shown}.",
    "The site does not work ({status}){shown}.",
    "The transaction {number} was not made by Guestlist.",
    "End it at the site if it shall end.",
    "The site shows the transaction without a number incompletely.",
    "The site shows the transaction {ref} incompletely.",
    (
        "The site has {count} users with the address {email} (ids {ids}). Access is given to the oldest, "
        "{lowest}, with which WordPress lets them log in; delete the others if nobody uses them."
    ),
    "The site does not accept {email} as a new member: {sentence}",
    (
        "WordPress takes only plain addresses such as name@example.com, without accents or other scripts. "
        "Correct the address at the cart, or add the member at the site by hand with this address, then try "
        "again."
    ),
    "The site does not show the member: {sentence}",
    "The site's answer does not show the member.",
    "Member {member} keeps the address {found} at the site, not {email}",
    "Guestlist did not make this user.",
    "Change it at the site if it is right.",
    "The site's answer does not show the member's new address.",
    "The site's answer does not show the new member.",
    (
        'send the link from the site (Users, point at the member, "Send password reset"), or ask the member to '
        'use "Lost your password?" on the login page'
    ),
    'The site sent no mail to {email}: "{sentence}".',
    (
        "If it knows no such user: look which address the member has at the site. If it wants proof of a human "
        "being, a security plugin guards the form: {remedy}."
    ),
    "The site does not let Guestlist use its form for lost passwords ({status}).",
    "A security plugin or firewall blocks or hides wp-login.php: let it through, or {remedy}.",
    "The site's form for lost passwords sends on to {path} ({status}) and no mail.",
    (
        "A plugin hides wp-login.php, or a page for maintenance stands before the site: let wp-login.php "
        "through, or {remedy}."
    ),
    "In WordPress, copy it from MemberPress > Developer > REST API.",
    "In WordPress, make one under Users > Profile > Application Passwords.",
    "Enter the API key, or a username and an application password, not both. Remove one of them.",
    "The application password is missing. {where}",
    "The username is missing. Enter the one that the application password belongs to.",
    "The API key is missing. {where}",
    "A MemberPress site has no such setting. Remove it.",
    "This must be text. Put it in quotation marks.",
    "This is empty. Enter it, or remove it.",
    "There are quotation marks around it. Remove them.",
    "It contains characters that cannot belong to it. Copy it again from WordPress.",
    "A WordPress username has no colon. Enter the username, or the user's e-mail address.",
    "An API key has no spaces; this looks like something else. {where}",
    "API keys of MemberPress have 10 letters and digits, which this one has not.",
    (
        "Compare the API key with MemberPress > Developer > REST API; capital letters count. If it is right, a "
        "firewall or the host removes the header MEMBERPRESS-API-KEY: ask the host to let it through, or use an "
        "application password."
    ),
    "This does not look like one; a login password does not work.",
    (
        "Make a new application password under Users > Profile > Application Passwords and enter it with its "
        "user. If it is refused again, the host removes the header Authorization (or the site has no https, "
        "without which WordPress refuses application passwords): enter the API key instead."
    ),
    "The site's MemberPress REST API does not answer as expected.",
    "Update the plugin MemberPress Developer Tools at the site.",
    "The site's levels cannot be read: {why}.",
    "Correct the level's price and expiry settings at the site and save it again.",
    "The site does not show the transaction: {sentence}",
    "The site's answer does not show the transaction.",
    "The site refuses to change the transaction {number}: {sentence}",
    "Look at the transaction at the site, then try again.",
    "The site's answer does not show the changed transaction.",
    'The site keeps the transaction {number} as "{status}" although it was told "{wanted}".',
    "Set it to refunded at the site by hand, and look for a plugin there that changes transactions.",
    # What cannot be saved: fulfilment/settings_fields.py, fulfilment/settings_wanted.py, fulfilment/apply.py
    'Write the address of the site\'s front page, like "https://academy.example.com".',
    "has a line break or another control character in it",
    "Write it on one line, without them.",
    "begins or ends with a blank",
    "Remove the blanks between the quotation marks and the text.",
    "is {count} characters long; at most {most} are possible",
    "Check what was pasted here.",
    '"{text}" is no id',
    'Use letters a-z, digits, "-" and "_" only, at most 64, like "shop".',
    "is no web address",
    "has a user name or password in it",
    "Write credentials into the fields made for them.",
    '"{text}" does not begin with https:// or http://',
    '"{text}" names no host',
    '"{text}" has a "?" or "#" in it',
    '"{text}" has more in its path than plain folders',
    "is missing",
    "Give the new one an id of its own.",
    '"{name}" is connected as {known} and cannot become {kind}',
    "Check the address, and that the site works in a browser; then try again.",
    "Its levels could not be checked; they are read as soon as it works.",
    '{site} has no published level "{level}" that can be read',
    "It has no level at all: publish one at the site first.",
    # What the simulator and a look ahead say: fulfilment/simulate.py, fulfilment/simulation.py,
    # fulfilment/address_foresight.py
    "would give access for ever: {why}",
    "would give access until {day}: {why}",
    "would give nothing: {why}",
    "would need attention, because the site does not have the level: {why}",
    "would wait until the site's levels are read: {why}",
    "stays as it is, {access}: {why}",
    "was {access}; would end at once: {why}",
    "was {access}; would last for ever: {why}",
    "was {access}; would last until {day}: {why}",
    (
        "{fact}: it waits for its order, because order {order} has not been delivered with {item}; it counts as "
        "soon as it is."
    ),
    "Order {order}: all of this was told before, and telling it again adds nothing.",
    "Order {order}: nothing is granted until a delivery names the customer's e-mail address.",
    "Order {order}: recorded but not fulfilled, {why}.",
    "The customer's details change in the history; what they have stays theirs.",
    "The customer would have the address {email} from now on.",
    "the member at {site} would stay {email}",
    "several customers share it, and they have different addresses",
    "{stays} until it is known whether {site} has it; then it is seen to",
    "the access of {email}, who was never made at {site}, would go to {other} there",
    "{email}, who was never made at {site}, would be made there as {other}",
    'the site\'s on_email_change is "leave"',
    "Guestlist did not make this member",
    "{site} has another member with the address {other}",
    'the member at {site} would be {other} instead of {email}: the site\'s on_email_change is "follow"',
    # What happened, as a cart told it: orders/words.py
    "Order placed",
    "{line}, option {option}",
    "{line} and again later",
    "{line}, next due on {day}",
    "{money} paid again for {item}",
    "{line}, invoice {invoice}",
    "{line}, the last payment",
    "A payment for {item} failed",
    "A payment for {item} failed, invoice {invoice}",
    "{money} refunded for {item}",
    "Subscription to {item} cancelled",
    "Subscription to {item} cancelled, paid until {day}",
    "Subscription to {item} paused",
    "Subscription to {item} resumed",
    "All payments for {item} made",
    "The customer is now {name}",
    # Who did something, if nobody who is signed in: accounts/actor.py
    "command line",
    "token {name}",
    # What changes for buyers: fulfilment/levels_held.py, fulfilment/alignment.py
    "gains level {level} at {site} {access}",
    "loses level {level} at {site} (had it {access})",
    "keeps level {level} at {site}, but {access} instead of {before}",
    "keeps level {level} at {site} {access}",
    "has no level {level} at {site}",
    "{access} (through {others})",
    "for as long as the level's terms say, which are not known yet",
    "no access",
    "order {order}",
    "what was given by hand",
    "the rules of today do not give it",
)
